package main

import (
	"context"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/medbuild/medbuild/internal/osparc"
)

// origin is where an image comes from that is built of a file in dir. Its date
// is the image's own, or else the commit's: a clock's would give every build
// another digest.
func origin(ctx context.Context, dir string, created time.Time) osparc.Origin {
	if seconds, err := strconv.ParseInt(git(ctx, dir, "log", "-1", "--no-show-signature", "--format=%ct"), 10, 64); err == nil && created.Unix() == 0 {
		created = time.Unix(seconds, 0)
	}
	return osparc.Origin{
		Built:   created,
		Commit:  git(ctx, dir, "rev-parse", "--verify", "HEAD"),
		Address: git(ctx, dir, "config", "--get", "remote.origin.url"),
	}
}

// git is what git says in dir, "" where there is no git or no checkout.
func git(ctx context.Context, dir string, args ...string) string {
	out, err := exec.CommandContext(ctx, "git", append([]string{"-C", dir}, args...)...).Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}
