package main

import (
	"context"
	"os"
	"os/signal"
)

// detach returns a context that ends with parent until it is handed over. From
// then on signals go to the channel, and no longer end the context.
func detach(parent context.Context, signals chan os.Signal) (context.Context, func() error) {
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(parent))
	stop := context.AfterFunc(parent, func() { cancel(context.Cause(parent)) })
	return ctx, func() error {
		signal.Notify(signals, forwarded()...)
		if !stop() {
			return context.Cause(parent)
		}
		return nil
	}
}
