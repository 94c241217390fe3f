package main

import (
	"bytes"
	"io"
	"os"
	"sync"
	"time"
)

// quietTime is how long `medbuild run` works before it shows what it does: with
// nothing to build the command's own output is all there is.
const quietTime = 1500 * time.Millisecond

// held is a screen that shows nothing of a command that is quick.
func held() io.Writer { return &patient{File: os.Stderr, from: time.Now().Add(quietTime)} }

// patient is a stream that holds back what is written until a time has come;
// what is held when the writing ends is never seen.
type patient struct {
	*os.File
	from time.Time
	mu   sync.Mutex
	held bytes.Buffer
}

// Write holds p back, or writes it after all that was held.
func (p *patient) Write(data []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if time.Now().Before(p.from) {
		return p.held.Write(data)
	}
	if _, err := p.held.WriteTo(p.File); err != nil {
		return 0, err
	}
	return p.File.Write(data)
}

// WriteString is Write: the file's own would not hold anything back.
func (p *patient) WriteString(s string) (int, error) { return p.Write([]byte(s)) }
