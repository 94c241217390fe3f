package main

import (
	"os"
	"syscall"
)

// forwarded are the signals that a command in a container gets.
func forwarded() []os.Signal { return []os.Signal{syscall.SIGINT, syscall.SIGTERM} }
