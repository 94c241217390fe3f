package output

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os/exec"

	"github.com/medbuild/medbuild/internal/problem"

	"github.com/moby/buildkit/session/filesync"
)

// dockerLoad is an output that goes through "docker load" into the store of the
// Docker that the docker command talks to. It fails at once where there is no
// such command.
func dockerLoad() (filesync.FileOutputFunc, error) {
	path, err := exec.LookPath("docker")
	if err != nil {
		return nil, problem.Failedf("--output: type docker without dest needs the docker command, which is not installed").Hint("add dest=<file>, and load that file where Docker is")
	}
	return func(map[string]string) (io.WriteCloser, error) { return startLoad(path) }, nil
}

// loading is a running docker load.
type loading struct {
	io.WriteCloser // its standard input
	cmd            *exec.Cmd
	said           *bytes.Buffer
}

func startLoad(path string) (io.WriteCloser, error) {
	l := &loading{cmd: exec.Command(path, "load", "--quiet"), said: &bytes.Buffer{}}
	l.cmd.Stdout, l.cmd.Stderr = io.Discard, l.said
	in, err := l.cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("start docker load: %w", err)
	}
	l.WriteCloser = in
	if err := l.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start docker load: %w", err)
	}
	return l, nil
}

// Write gives docker load more of the archive. When it has ended already, what
// it said is the error, and not the broken pipe.
func (l *loading) Write(p []byte) (int, error) {
	n, err := l.WriteCloser.Write(p)
	if err != nil {
		return n, errors.Join(l.Close(), err)
	}
	return n, nil
}

// Close ends the archive and waits until the image is loaded.
func (l *loading) Close() error {
	_ = l.WriteCloser.Close() // closed before when docker load failed
	if l.cmd.ProcessState != nil {
		return nil
	}
	if err := l.cmd.Wait(); err != nil {
		return fmt.Errorf("docker load: %w: %s", err, bytes.TrimSpace(l.said.Bytes()))
	}
	return nil
}
