package solve

import (
	"context"

	"github.com/medbuild/medbuild/internal/assemble"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
)

// warn tells of programs that hide each other on PATH, once in a run. tested are
// the results of the parts' tests.
func (c *Client) warn(ctx context.Context, img assemble.Image, tested []*gateway.Result) {
	lists := map[string][]byte{}
	for i, p := range img.Parts {
		if len(p.Path) > 0 {
			lists[p.Name] = programs(ctx, tested[i])
		}
	}
	for _, w := range img.Hidden(lists) {
		if _, told := c.session.warned.LoadOrStore(w, true); !told {
			c.session.sources.say("warning: " + w)
		}
	}
}

// programs is what a part's test lists; nothing where it cannot be read: the test
// has passed, and a warning is not worth a build.
func programs(ctx context.Context, tested *gateway.Result) []byte {
	ref, err := tested.SingleRef()
	if err != nil {
		return nil
	}
	list, err := ref.ReadFile(ctx, gateway.ReadRequest{Filename: assemble.ProgramsFile})
	if err != nil {
		return nil
	}
	return list
}
