package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// detach returns a context that ends with parent until it is handed over. From
// then on signals go to the channel, and no longer end the context; nor does a
// reader that has gone, such as head, end this process: the command is ended, and
// its folders are written back.
func detach(parent context.Context, signals chan os.Signal) (context.Context, func() error) {
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(parent))
	stop := context.AfterFunc(parent, func() { cancel(context.Cause(parent)) })
	return ctx, func() error {
		signal.Notify(signals, forwarded()...)
		signal.Ignore(syscall.SIGPIPE)
		if !stop() {
			return context.Cause(parent)
		}
		return nil
	}
}
