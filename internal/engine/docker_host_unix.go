//go:build !windows

package engine

// defaultDockerHost is where Docker listens unless told otherwise.
const defaultDockerHost = "unix:///var/run/docker.sock"
