package run

import (
	"sync"

	gatewayapi "github.com/moby/buildkit/frontend/gateway/pb"
)

// endings is how far processes are with ending, by their id. It is safe for
// concurrent use.
type endings struct {
	mu sync.Mutex
	of map[string]*ending
}

// ending is what is still to come of a process before its last message may.
type ending struct {
	open   map[uint32]bool // its outputs that have not ended
	exited bool            // its exit code has come
	last   *gatewayapi.ExecMessage
}

// expect takes note of a process with the files that are open.
func (e *endings) expect(id string, fds []uint32) {
	open := map[uint32]bool{}
	for _, fd := range fds {
		open[fd] = fd != 0 // standard input ends at our end
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.of[id] = &ending{open: open}
}

// order is the messages that m lets through: itself, unless it must wait, and
// what waited for it.
func (e *endings) order(m *gatewayapi.ExecMessage) []*gatewayapi.ExecMessage {
	e.mu.Lock()
	defer e.mu.Unlock()
	p := e.of[m.GetProcessID()]
	if p == nil {
		return []*gatewayapi.ExecMessage{m}
	}
	var out []*gatewayapi.ExecMessage
	if m.GetDone() != nil {
		p.last = m
	} else {
		p.see(m)
		out = append(out, m)
	}
	if p.last != nil && p.ended() {
		out = append(out, p.last)
	}
	return out
}

func (p *ending) see(m *gatewayapi.ExecMessage) {
	if f := m.GetFile(); f.GetEOF() {
		delete(p.open, f.Fd)
	}
	p.exited = p.exited || m.GetExit() != nil
}

func (p *ending) ended() bool {
	for _, open := range p.open {
		if open {
			return false
		}
	}
	return p.exited
}
