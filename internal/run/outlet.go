package run

import (
	"fmt"
	"io"
	"sync"
)

// outlets are the streams that a command's output goes to. BuildKit's client
// waits for ever once it cannot write; so it never hears of it, and the command
// is told to end instead.
type outlets struct {
	blocked chan struct{} // has one value once something could not be written
	mu      sync.Mutex
	first   error
}

func newOutlets() *outlets { return &outlets{blocked: make(chan struct{}, 1)} }

// err is why output was lost, nil when all of it was written.
func (o *outlets) err() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.first
}

// outlet is a stream by its name; nil stays nil.
func (o *outlets) outlet(name string, to io.WriteCloser) io.WriteCloser {
	if to == nil {
		return nil
	}
	return outlet{to, name, o}
}

func (o *outlets) lost(name string, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.first == nil {
		o.first = fmt.Errorf("write %s of the command: %w", name, err)
		o.blocked <- struct{}{}
	}
}

type outlet struct {
	io.WriteCloser
	name string
	all  *outlets
}

// Write takes all of p, also when the stream does not.
func (o outlet) Write(p []byte) (int, error) {
	if _, err := o.WriteCloser.Write(p); err != nil {
		o.all.lost(o.name, err)
	}
	return len(p), nil
}
