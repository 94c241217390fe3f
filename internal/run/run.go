// Package run runs a command in a container of an image, on the engine.
package run

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/medbuild/medbuild/internal/assemble"
	"github.com/medbuild/medbuild/internal/solve"
	"github.com/moby/buildkit/client"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	gatewayapi "github.com/moby/buildkit/frontend/gateway/pb"
	"github.com/moby/buildkit/solver/pb"
	image "github.com/moby/docker-image-spec/specs-go/v1"
)

const (
	// endLimit is how long a command has to end after it was told to.
	endLimit = time.Second
	// releaseLimit is how long the engine has to take a container down.
	releaseLimit = 5 * time.Second
	// signalled plus a signal's number is the exit code of what it ended.
	signalled  = 128
	killedCode = signalled + int(syscall.SIGKILL)
)

// Command is what to run inside an image, and how.
type Command struct {
	Image      assemble.Image
	Args       []string // replace the image's Cmd
	Entrypoint *string  // replaces the image's Entrypoint and drops its Cmd; "" is none
	Env        []string // "KEY=value", over the image's
	WorkingDir string   // "" is the image's
	User       string   // "" is the image's
	Mounts     []Mount
}

// Stdio is what a command reads and writes, and what else reaches it.
type Stdio struct {
	Stdin          io.ReadCloser // nil is no input
	Stdout, Stderr io.WriteCloser
	TTY            bool                   // a terminal of its own; Stderr is not used
	Resize         <-chan gateway.WinSize // of the terminal
	Signals        <-chan os.Signal       // for the command
	Starting       func() error           // called when everything is there, before the command starts
}

// Engine is what containers need of an engine beside a session on it. BuildKit's
// *client.Client is one.
type Engine interface {
	GatewayClientForBuild(ref string) gatewayapi.LLBBridgeClient
	Prune(ctx context.Context, gone chan client.UsageInfo, opts ...client.PruneOption) error
}

// Prepared is a command whose image and folders are on the engine.
type Prepared struct {
	Command
	session *solve.Session
	engine  Engine
	sent    []volume
}

// Prepare builds the image and sends the folders. Run asks for both again; then
// next to nothing is left to do.
func Prepare(ctx context.Context, s *solve.Session, e Engine, c Command) (*Prepared, error) {
	sent, err := offer(c.Mounts)
	if err != nil {
		return nil, err
	}
	p := &Prepared{Command: c, session: s, engine: e, sent: sent}
	_, err = s.One(ctx, p.job(func(ctx context.Context, c *solve.Client) (*gateway.Result, error) {
		if _, err := c.Image(ctx, p.Image); err != nil {
			return nil, err
		}
		_, err := volumes(ctx, c, sent)
		return gateway.NewResult(), err
	}))
	if err != nil {
		p.forget(ctx)
		return nil, err
	}
	return p, nil
}

func (p *Prepared) job(work func(context.Context, *solve.Client) (*gateway.Result, error)) solve.Job {
	return solve.Job{Work: work, Place: solve.In(p.Image), Folders: folders(p.sent)}
}

// Run runs the command in a container of its own on the engine and returns its
// exit code. What it changed in mounted folders is written back, however it
// ended. Signals reach the command, and not ctx, once it runs; a command that
// does not end upon an interrupt is killed. It can be run once.
func (p *Prepared) Run(ctx context.Context, std Stdio) (int, error) {
	start, err := p.start(std)
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer p.forget(ctx)
	r := &running{Prepared: p, Stdio: std, process: start, cancel: cancel, outlets: newOutlets()}
	work := p.job(r.inContainers)
	work.Once = true // the command may have begun
	if _, err := p.session.One(ctx, work); err != nil {
		return 0, err
	}
	return r.code, nil
}

// running is a command on its way.
type running struct {
	*Prepared
	Stdio
	process gateway.StartRequest
	cancel  context.CancelCauseFunc
	killed  atomic.Int32 // the signal that did not end the command, so that it was killed

	outlets *outlets

	root   gateway.Reference
	mounts []gateway.Mount // as sent
	code   int
}

func (r *running) inContainers(ctx context.Context, c *solve.Client) (*gateway.Result, error) {
	if err := r.send(ctx, c); err != nil {
		return nil, err
	}
	if err := r.command(ctx, c); err != nil {
		return nil, err
	}
	return gateway.NewResult(), errors.Join(r.outlets.err(), r.writeBack(ctx, c))
}

// send makes image and folders ready on the engine.
func (r *running) send(ctx context.Context, c *solve.Client) error {
	res, err := c.State(ctx, r.Image.State)
	if err != nil {
		return err
	}
	if r.root, err = res.SingleRef(); err != nil {
		return err
	}
	r.mounts, err = volumes(ctx, c, r.sent)
	return err
}

// container calls use with a new container of the image and the mounts, and with
// the queue that its processes' input goes through.
func (r *running) container(ctx context.Context, c *solve.Client, mounts []gateway.Mount,
	use func(context.Context, gateway.Container, *queue) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	q := newQueue(cancel)
	own, err := q.gateway(ctx, r.engine, c)
	if err != nil {
		return fmt.Errorf("reach the engine: %w", err)
	}
	root := gateway.Mount{Dest: "/", Ref: r.root, MountType: pb.MountType_BIND}
	ctr, err := own.NewContainer(ctx, gateway.NewContainerRequest{
		Mounts: append([]gateway.Mount{root}, mounts...), NetMode: r.session.Network(),
	})
	if err != nil {
		return fmt.Errorf("make a container of %s: %w", r.Image.Name, err)
	}
	defer release(ctx, ctr)
	return use(ctx, ctr, q)
}

// command runs the user's command to its end, as the first process of its
// container: whatever else runs there ends with it.
func (r *running) command(ctx context.Context, c *solve.Client) error {
	return r.container(ctx, c, r.mounts, func(ctx context.Context, ctr gateway.Container, q *queue) error {
		if err := r.Starting(); err != nil {
			return err
		}
		if r.process.Stdin != nil {
			r.process.Stdin = input{r.process.Stdin, q}
		}
		r.process.Stdout = r.outlets.outlet("standard output", r.process.Stdout)
		r.process.Stderr = r.outlets.outlet("standard error", r.process.Stderr)
		proc, err := ctr.Start(ctx, r.process)
		if err != nil {
			return fmt.Errorf("start %q: %w", r.process.Args[0], err)
		}
		return r.wait(ctx, proc)
	})
}

func (r *running) wait(ctx context.Context, proc gateway.ContainerProcess) (err error) {
	done := make(chan struct{})
	defer close(done)
	go r.forward(ctx, proc, done)
	r.code, err = exitCode(ctx, proc.Wait())
	if sig := r.killed.Load(); sig != 0 && r.code == killedCode {
		r.code = signalled + int(sig)
	}
	return err
}

// exitCode is the code the process ended with. 255 is also what BuildKit says
// of processes that never ran; their errors say more than a code.
func exitCode(ctx context.Context, err error) (int, error) {
	if err == nil {
		return 0, nil
	}
	if ctx.Err() != nil {
		return 0, context.Cause(ctx)
	}
	if exit := (*gatewayapi.ExitError)(nil); errors.As(err, &exit) {
		return int(exit.ExitCode), nil
	}
	return 0, err
}

// forward passes on signals and sizes of the terminal until done. A command
// that was told to end and does not is killed; if that does not help either,
// the run is cancelled.
func (r *running) forward(ctx context.Context, proc gateway.ContainerProcess, done <-chan struct{}) {
	var kill, giveUp <-chan time.Time
	var last syscall.Signal
	end := func(sig syscall.Signal) {
		_ = proc.Signal(ctx, sig) // fails when the process has just ended
		if ends(sig) && kill == nil {
			kill, giveUp = time.After(endLimit), time.After(2*endLimit)
			last = sig
		}
	}
	for {
		select {
		case <-done:
			return
		case <-r.outlets.blocked:
			end(syscall.SIGTERM)
		case size := <-r.Resize:
			_ = proc.Resize(ctx, size) // the next one may succeed
		case s := <-r.Signals:
			if sig, ok := s.(syscall.Signal); ok {
				end(sig)
			}
		case <-kill:
			r.killed.Store(int32(last))
			_ = proc.Signal(ctx, syscall.SIGKILL)
		case <-giveUp:
			r.cancel(context.Canceled)
		}
	}
}

// ends reports whether a signal asks a process to end.
func ends(s syscall.Signal) bool {
	return s == syscall.SIGINT || s == syscall.SIGTERM || s == syscall.SIGHUP || s == syscall.SIGQUIT
}

// release takes the container down. Processes that still run in it make it
// report that it was cancelled, which is what was wanted.
func release(ctx context.Context, ctr gateway.Container) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseLimit)
	defer cancel()
	_ = ctr.Release(ctx)
}

// start is the process as the image's configuration and the command make it.
func (p *Prepared) start(std Stdio) (gateway.StartRequest, error) {
	data, err := p.Image.Config.Extend(p.Image.Base.Config, p.session.Platform, time.Time{})
	if err != nil {
		return gateway.StartRequest{}, err
	}
	var img image.DockerOCIImage
	if err := json.Unmarshal(data, &img); err != nil {
		return gateway.StartRequest{}, fmt.Errorf("read the image's configuration: %w", err)
	}
	return p.process(img.Config, std)
}
