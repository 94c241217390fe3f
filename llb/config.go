package llb

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	image "github.com/moby/docker-image-spec/specs-go/v1"
)

// DefaultPath is the PATH of a base that states none, as container runtimes
// set it.
const DefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// Config is what an image adds to the configuration of its base.
type Config struct {
	Path       []string          // folders put before the base's PATH, first first
	Env        []string          // "KEY=value"; replaces a variable of the base
	Labels     map[string]string // replace labels of the base
	Entrypoint []string          // nil keeps the base's
	Cmd        []string          // nil keeps the base's
	WorkingDir string            // "" keeps the base's
	User       string            // "" keeps the base's
	Ports      []string          // such as "8888/tcp", beside the base's
	Health     *HealthCheck      // nil keeps the base's
}

// HealthCheck is a command by which a container tells that it is well.
type HealthCheck struct {
	Test        []string // as the image configuration has it: "NONE", or "CMD" or "CMD-SHELL" and a command
	Interval    time.Duration
	Timeout     time.Duration
	StartPeriod time.Duration
	Retries     int
}

// Extend is the image configuration base (JSON, may be empty) with c added for
// the platform "os/arch" or "os/arch/variant". What c does not name stays as the base has it: user,
// entrypoint, ports, health check, volumes. The layers and the history are the
// exporter's to write.
func (c Config) Extend(base []byte, platform string, created time.Time) ([]byte, error) {
	img, err := parseConfig(base)
	if err != nil {
		return nil, err
	}
	parts := strings.SplitN(platform+"//", "/", 4)
	img.OS, img.Architecture, img.Variant = parts[0], parts[1], parts[2]
	img.RootFS.Type, img.RootFS.DiffIDs = "layers", nil
	img.Created = &created
	img.Config.Env = c.Environment(img.Config.Env)
	img.Config.Labels = merged(img.Config.Labels, c.Labels)
	c.command(&img)
	c.service(&img)
	return json.Marshal(img)
}

func parseConfig(base []byte) (image.DockerOCIImage, error) {
	var img image.DockerOCIImage
	if len(base) == 0 {
		return img, nil
	}
	if err := json.Unmarshal(base, &img); err != nil {
		return img, fmt.Errorf("read the configuration of the base image: %w", err)
	}
	return img, nil
}

func (c Config) command(img *image.DockerOCIImage) {
	if c.Entrypoint != nil {
		img.Config.Entrypoint = c.Entrypoint
		img.Config.Cmd = nil // a base's arguments are for its own entrypoint
	}
	if c.Cmd != nil {
		img.Config.Cmd = c.Cmd
	}
	if c.WorkingDir != "" {
		img.Config.WorkingDir = c.WorkingDir
	}
	if c.User != "" {
		img.Config.User = c.User
	}
}

// service adds what a container offers to the outside.
func (c Config) service(img *image.DockerOCIImage) {
	for _, p := range c.Ports {
		if img.Config.ExposedPorts == nil {
			img.Config.ExposedPorts = map[string]struct{}{}
		}
		img.Config.ExposedPorts[p] = struct{}{}
	}
	if h := c.Health; h != nil {
		img.Config.Healthcheck = &image.HealthcheckConfig{Test: h.Test, Interval: h.Interval,
			Timeout: h.Timeout, StartPeriod: h.StartPeriod, Retries: h.Retries}
	}
}

// Environment is the base's environment with c's variables set and c's folders
// in front of PATH.
func (c Config) Environment(base []string) []string {
	env := Setenv(base, c.Env...)
	return Setenv(env, "PATH="+strings.Join(append(slices.Clone(c.Path), PathOf(env)), ":"))
}

// PathOf is the PATH of an environment, DefaultPath when it has none or an
// empty one, which would stand for the current folder.
func PathOf(env []string) string {
	for _, e := range env {
		if p, ok := strings.CutPrefix(e, "PATH="); ok && p != "" {
			return p
		}
	}
	return DefaultPath
}

// Setenv is env with each of the "KEY=value" pairs set: replaced in place, or
// appended. env itself is not changed.
func Setenv(env []string, pairs ...string) []string {
	out := slices.Clone(env)
	for _, p := range pairs {
		key, _, _ := strings.Cut(p, "=")
		i := slices.IndexFunc(out, func(e string) bool { return strings.HasPrefix(e, key+"=") })
		if i < 0 {
			out = append(out, p)
			continue
		}
		out[i] = p
	}
	return out
}

func merged(base, over map[string]string) map[string]string {
	if len(base)+len(over) == 0 {
		return nil
	}
	out := map[string]string{}
	maps.Copy(out, base)
	maps.Copy(out, over)
	return out
}
