package run

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/medbuild/medbuild/internal/problem"

	"github.com/medbuild/medbuild/internal/solve"

	"github.com/medbuild/medbuild/internal/files"

	bk "github.com/moby/buildkit/client/llb"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	bkid "github.com/moby/buildkit/identity"
	"github.com/moby/buildkit/solver/pb"
	"github.com/tonistiigi/fsutil"
)

// Mount is a folder of this machine in a container. The engine may be another
// machine: the folder's files are copied there, and changes back.
type Mount struct {
	Host      string // the folder here, as given
	Container string // its absolute, clean path there
	Readonly  bool   // nothing is copied back
}

// ParseMount reads "HOST:CONTAINER", with ":ro" or ":rw" after it. HOST may
// start with a Windows drive letter.
func ParseMount(s string) (Mount, error) {
	rest, option := s, ""
	if i := strings.LastIndex(s, ":"); i >= 0 && !strings.Contains(s[i:], "/") {
		rest, option = s[:i], s[i+1:]
	}
	i := strings.LastIndex(rest, ":")
	if i <= 0 || i == 1 && isLetter(rest[0]) && !strings.HasPrefix(rest[2:], "/") {
		return Mount{}, problem.Usagef("--volume %q is not HOST:CONTAINER", s).Hint("for example $PWD/data:/data:ro")
	}
	m := Mount{Host: rest[:i], Container: path.Clean(rest[i+1:]), Readonly: option == "ro"}
	if option != "" && option != "ro" && option != "rw" {
		return Mount{}, problem.Usagef("--volume %q: unknown option %q", s, option).Hint("use ro or rw")
	}
	return m, m.check(s)
}

func (m Mount) check(s string) error {
	if !path.IsAbs(m.Container) || m.Container == "/" {
		return fmt.Errorf("--volume %q: %q is not an absolute path below /", s, m.Container)
	}
	info, err := os.Stat(m.Host)
	if errors.Is(err, fs.ErrNotExist) {
		return problem.Usagef("--volume %q: %s does not exist", s, m.Host).Hint("mkdir -p %s", m.Host)
	}
	if err != nil {
		return fmt.Errorf("--volume %q: %w", s, err)
	}
	if !info.IsDir() {
		return problem.Usagef("--volume %q: %s is not a folder", s, m.Host).Hint("mount the folder that it is in")
	}
	return nil
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

// volume is a mount ready to be sent: what it holds now is known, so that
// changes can be told.
type volume struct {
	Mount
	id    string // names this copy of it on the engine
	dir   fsutil.FS
	path  string // real, absolute
	files files.Listing
}

func offer(mounts []Mount) ([]volume, error) {
	var out []volume
	for _, m := range mounts {
		v, err := newVolume(m)
		if err != nil {
			return nil, fmt.Errorf("folder %s: %w", m.Host, err)
		}
		out = append(out, v)
	}
	return out, nil
}

func newVolume(m Mount) (volume, error) {
	path, err := filepath.EvalSymlinks(m.Host)
	if err != nil {
		return volume{}, err
	}
	if path, err = filepath.Abs(path); err != nil {
		return volume{}, err
	}
	dir, err := fsutil.NewFS(path)
	if err != nil {
		return volume{}, err
	}
	files, err := files.List(dir)
	return volume{Mount: m, id: "run-" + bkid.NewID(), dir: dir, path: path, files: files}, err
}

// state is the folder as the engine gets it. Its name is new each run, as its
// content may be.
func (v volume) state() bk.State {
	return bk.Local(v.id, bk.LocalUniqueID(v.id), bk.WithCustomName("[run] send "+v.Host))
}

// folders are the mounts' folders by the names that the engine asks for.
func folders(sent []volume) map[string]fsutil.FS {
	out := map[string]fsutil.FS{}
	for _, v := range sent {
		out[v.id] = v.dir
	}
	return out
}

// volumes sends the folders to the engine.
func volumes(ctx context.Context, c *solve.Client, sent []volume) ([]gateway.Mount, error) {
	var out []gateway.Mount
	for _, v := range sent {
		res, err := c.State(ctx, v.state())
		if err != nil {
			return nil, fmt.Errorf("send folder %s: %w", v.Host, err)
		}
		out = append(out, v.mount(res.Ref))
	}
	return out, nil
}

// mount is the sent folder in a container. One that is written back has a name,
// by which a second container finds it.
func (v volume) mount(ref gateway.Reference) gateway.Mount {
	m := gateway.Mount{Dest: v.Container, Ref: ref, Readonly: v.Readonly, MountType: pb.MountType_BIND}
	if !v.Readonly {
		m.MountType, m.CacheOpt = pb.MountType_CACHE, &pb.CacheOpt{ID: v.id, Sharing: pb.CacheSharingOpt_SHARED}
	}
	return m
}
