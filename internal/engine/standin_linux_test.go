package engine

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
)

// standIn makes the test binary a buildkitd: it listens where the config file
// says, answers as fake does and ends when it is killed.
func standIn(config string) {
	var c struct {
		GRPC struct {
			Address []string `toml:"address"`
		} `toml:"grpc"`
	}
	fmt.Println("a stand-in for buildkitd")
	_, err := toml.DecodeFile(config, &c)
	exitOn(err)
	socket := strings.TrimPrefix(c.GRPC.Address[0], "unix://")
	_ = os.Remove(socket) // of a daemon that was killed
	l, err := net.Listen("unix", socket)
	exitOn(err)
	fake{workers: 1}.serve(l)
	select {}
}

func exitOn(err error) {
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

// newStandIn is a site whose buildkitd is this test binary, and whose runc does
// nothing.
func newStandIn(t *testing.T) *site {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("our own engine needs root")
	}
	if err := exec.Command("unshare", "--mount", "true").Run(); err != nil {
		t.Skipf("a daemon has a mount namespace of its own: %v", err)
	}
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	fakeRunc(t, "exit 0")
	return siteOf(t, binary)
}

// fakeRunc puts a runc that runs a line of shell into PATH.
func fakeRunc(t *testing.T, script string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "runc")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", filepath.Dir(path)+":"+os.Getenv("PATH"))
}

// eachDaemon tests with a real buildkitd where there is one, and everywhere
// with one that builds nothing.
func eachDaemon(t *testing.T, test func(*site)) {
	t.Helper()
	t.Run("buildkitd", func(t *testing.T) { test(newSite(t)) })
	t.Run("stand-in", func(t *testing.T) { test(newStandIn(t)) })
}
