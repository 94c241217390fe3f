package engine

import (
	"context"
	"fmt"
	"net"
	"net/http"
)

// hasBridge reports whether the Docker Engine has the network that commands of
// a build get: the one named bridge, which --bridge=none leaves out.
func (d dockerConn) hasBridge(ctx context.Context) (bool, error) {
	api := http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext:       func(ctx context.Context, _, _ string) (net.Conn, error) { return d(ctx) },
	}}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://docker/networks/bridge", nil)
	if err != nil {
		return false, err
	}
	resp, err := api.Do(req)
	if err != nil {
		return false, fmt.Errorf("asking for its networks: %w", err)
	}
	defer resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusOK, http.StatusNotFound:
		return resp.StatusCode == http.StatusOK, nil
	}
	return false, fmt.Errorf("asking for its networks: %s", resp.Status)
}
