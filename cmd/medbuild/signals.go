package main

import (
	"context"
	"os"
	"os/signal"
	"slices"
	"syscall"
)

// untilSignal is a context that ends with Ctrl-C, kill and a terminal that is
// closed. What was ignored when medbuild was started stays ignored: nohup does
// that to the last.
//
// A pipe whose reader has gone is an error of writing, and no end: the engine
// would be left behind. The signal is taken and dropped, since one that is
// ignored would be ignored in every build step as well.
func untilSignal() (context.Context, context.CancelFunc) {
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	return signal.NotifyContext(context.Background(), heeded(signal.Ignored)...)
}

func heeded(ignored func(os.Signal) bool) []os.Signal {
	return slices.DeleteFunc([]os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP}, ignored)
}
