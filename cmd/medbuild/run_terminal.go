package main

import (
	"fmt"
	"os"
	"time"

	"github.com/containerd/console"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	"golang.org/x/term"
)

// terminal is the user's terminal while the command has it.
type terminal struct {
	console console.Console
	was     *term.State // before it was raw
	size    chan gateway.WinSize
	stop    chan struct{}
}

func newTerminal(tty bool) *terminal {
	t := &terminal{stop: make(chan struct{})}
	if tty {
		t.size = make(chan gateway.WinSize)
	}
	return t
}

// raw hands every key to the command, Ctrl-C among them.
func (t *terminal) raw(input bool) error {
	con, err := console.ConsoleFromFile(os.Stdout)
	if input && err == nil {
		con, err = console.ConsoleFromFile(os.Stdin)
	}
	if err != nil {
		return nil // --tty without one here
	}
	t.console = con
	go t.watch(con)
	if !input {
		return nil
	}
	// console's own raw mode leaves output alone, and the terminal would turn
	// the line ends of the command's terminal into others once more.
	if t.was, err = term.MakeRaw(int(con.Fd())); err != nil {
		return fmt.Errorf("set up the terminal: %w", err)
	}
	return nil
}

// watch tells the command the terminal's size, now and when it changes. Asking
// a few times a second works on every system, and costs nothing to speak of.
func (t *terminal) watch(con console.Console) {
	var last console.WinSize
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		if now, err := con.Size(); err == nil && now != last {
			select {
			case t.size <- gateway.WinSize{Rows: uint32(now.Height), Cols: uint32(now.Width)}:
				last = now
			case <-t.stop:
				return
			}
		}
		select {
		case <-tick.C:
		case <-t.stop:
			return
		}
	}
}

// close gives the terminal back as it was.
func (t *terminal) close() {
	close(t.stop)
	if t.was != nil {
		_ = term.Restore(int(t.console.Fd()), t.was)
	}
}
