package engine

import (
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

const gib = 1 << 30

// configText returns the daemon's config file. Garbage collection is sized to
// the disk of the root: BuildKit's own defaults suit small images and throw
// compiler and package caches away after two days.
func (d *daemon) configText() (string, error) {
	var disk unix.Statfs_t
	if err := unix.Statfs(d.root, &disk); err != nil {
		return "", fmt.Errorf("size of the disk of %s: %w", d.root, err)
	}
	return fmt.Sprintf(configTemplate, quote(d.path("state")), quote("unix://"+d.socket), quote(d.traceSocket()), quote(d.runc)) +
		gcText(int64(disk.Blocks)*disk.Bsize) + registryText(d.registries), nil
}

// registryText is how the daemon reaches registries. With http and insecure it
// tries TLS first and takes any certificate; a registry on its own machine it
// speaks TLS with only where http is false (BuildKit, util/resolver,
// fillInsecureOpts).
func registryText(registries []Registry) string {
	var b strings.Builder
	for _, r := range registries {
		fmt.Fprintf(&b, "[registry.%s]\n  http = %t\n  insecure = %[2]t\n", quote(r.Host), r.Insecure)
		if r.CA != "" {
			fmt.Fprintf(&b, "  ca = [%s]\n", quote(r.CA))
		}
	}
	return b.String()
}

// configTemplate takes the root, the socket, the trace socket and runc. Steps
// share the host's network: a CNI set-up that happens to be on the machine
// does not change builds.
const configTemplate = `# Written by medbuild at every start: changes made here are lost.
root = %s
[log]
  level = "info"
[grpc]
  address = [%s]
[otel]
  socketPath = %s
[cdi]
  disabled = true
[worker.containerd]
  enabled = false
[worker.oci]
  enabled = true
  binary = %s
  snapshotter = "auto"
  networkMode = "host"
  gc = true
`

// gcText returns the garbage collection rules for a disk of that many bytes.
// Caches of package managers and compilers, git clones and local files go after
// 30 days without use, and only when they fill a quarter of the disk; everything
// goes after 60 days or when the disk runs full, but for a reserved part.
func gcText(disk int64) string {
	keep := min(disk/10, 50*gib)
	limit := "  reservedSpace = " + size(keep) + "\n" +
		"  maxUsedSpace = " + size(min(disk*7/10, 500*gib)) + "\n" +
		"  minFreeSpace = " + size(min(disk/20, 20*gib)) + "\n"
	return "[[worker.oci.gcpolicy]]\n" +
		"  filters = [\"type==source.local\", \"type==exec.cachemount\", \"type==source.git.checkout\"]\n" +
		"  keepDuration = \"720h\"\n  maxUsedSpace = " + size(min(disk/4, 100*gib)) + "\n" +
		"[[worker.oci.gcpolicy]]\n  keepDuration = \"1440h\"\n" + limit +
		"[[worker.oci.gcpolicy]]\n" + limit +
		"[[worker.oci.gcpolicy]]\n  all = true\n" + limit
}

// size writes a size the way the config file takes it.
func size(n int64) string { return quote(strconv.FormatInt(n, 10)) }

// quote makes a TOML basic string; Go's escapes are a subset for paths.
func quote(s string) string { return strconv.Quote(s) }
