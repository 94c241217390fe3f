//go:build linux

package integration

import (
	"strings"
	"testing"
)

const antsOnTrixie = `
[image]
name = "medbuild/docker-test"
version = "1.0"

[bases.trixie]
tar = "BASE"

[components.ants]
version = "2.5.4"
distribution = true

[targets.brain]
base = "trixie"
components = ["ants"]
`

func TestDockerBuildsAndRuns(t *testing.T) {
	dir := project(t, antsOnTrixie)
	d := startDocker(t, true)
	d.only(t)
	args := []string{"build", "-f", dir + "/components.toml", "--target", "ants", "--progress", "plain"}
	built := medbuild(t, args...).ok(t)
	t.Log(built.Stdout, built.Stderr)
	reference := strings.TrimSuffix(built.Stdout, "\n")
	r := finish(t, d.client("run", "--rm", "--network", "host", reference, "antsRegistration", "--version"))
	t.Log(r)
	t.Log(finish(t, d.client("images", "--digests")))
	again := medbuild(t, args...).ok(t)
	t.Log(again.Stderr)
}
