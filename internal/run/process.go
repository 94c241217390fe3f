package run

import (
	"cmp"
	"slices"

	"github.com/medbuild/medbuild/internal/problem"

	"github.com/medbuild/medbuild/llb"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	image "github.com/moby/docker-image-spec/specs-go/v1"
)

// process is the command on top of an image's configuration, put together as
// Docker does it.
func (c Command) process(img image.DockerOCIImageConfig, std Stdio) (gateway.StartRequest, error) {
	args := c.arguments(img)
	if len(args) == 0 {
		return gateway.StartRequest{}, problem.Failedf("the image has no command of its own").Hint("name one after --, as in medbuild run -- /bin/sh")
	}
	start := gateway.StartRequest{
		Args: args,
		Env:  llb.Setenv(img.Env, c.Env...),
		Cwd:  cmp.Or(cmp.Or(c.WorkingDir, img.WorkingDir), "/"),
		User: cmp.Or(c.User, img.User),
		Tty:  std.TTY, Stdin: std.Stdin, Stdout: std.Stdout, Stderr: std.Stderr,
	}
	if std.TTY {
		start.Stderr = nil
	}
	return start, nil
}

// arguments are entrypoint and command. An entrypoint of the user's own is not
// given the arguments that were meant for the image's.
func (c Command) arguments(img image.DockerOCIImageConfig) []string {
	entrypoint, args := img.Entrypoint, img.Cmd
	if c.Entrypoint != nil {
		entrypoint, args = nil, nil
		if *c.Entrypoint != "" {
			entrypoint = []string{*c.Entrypoint}
		}
	}
	if len(c.Args) > 0 {
		args = c.Args
	}
	return slices.Concat(entrypoint, args)
}
