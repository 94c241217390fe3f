// Command step is the whole root file system of the engine's test steps: it
// sleeps, dials, or looks for a line in a file.
package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"
)

func main() {
	if err := run(os.Args[1], os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(what string, args []string) error {
	switch what {
	case "sleep":
		d, err := time.ParseDuration(args[0])
		time.Sleep(d)
		return err
	case "dial":
		conn, err := net.DialTimeout("tcp", args[0], 10*time.Second)
		if err == nil {
			conn.Close()
		}
		return err
	case "grep":
		data, err := os.ReadFile(args[1])
		if err == nil && !strings.Contains(string(data), args[0]) {
			err = fmt.Errorf("no %q in %q", args[0], data)
		}
		return err
	}
	return errors.New("no such step: " + what)
}
