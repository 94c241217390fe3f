package llb

import (
	"fmt"
	"strings"

	bk "github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"
)

// Run is where a step finds what medbuild gives it: inputs, scripts, secrets.
// It is a folder of mounts, never of the image.
const Run = "/run/medbuild"

// Step is one shell script run on a root file system.
type Step struct {
	Owner     Owner    // whose step this is; "" is a component's
	Component string   // the component's name
	Action    string   // what it does: the step is shown as "[component] action"
	On        State    // the root file system it runs on
	Script    string   // POSIX shell; the first failing command ends it
	Env       []string // "KEY=value"; part of the cache key
	Inputs    []Mount
	Caches    []Cache
	Secrets   []string // ids, each a file below Run/secrets, read-only
	Network   bool     // for package managers only: everything else is an input
	Jobs      bool     // reads the site's job count, MEDBUILD_JOBS, without the network
	At        Location
}

// Mount is a read-only input of a step.
type Mount struct {
	Target string
	State  State
	File   string // the one file of State that is at Target; "" for all of it
}

// Cache is a folder that survives between builds and is part of no layer.
type Cache struct {
	Target string // its path in the step
	ID     string // shared by all steps that name it
	Locked bool   // one step at a time
}

// Run is the step as BuildKit runs it.
func (s Step) Run() bk.ExecState {
	opts := []bk.RunOption{
		bk.Args([]string{"/bin/sh", "-eu", "-c", s.script()}),
		s.operation(s.Action).described(),
		s.At.option(),
	}
	opts = append(opts, s.network()...)
	opts = append(opts, s.environment()...)
	opts = append(opts, s.mounts()...)
	return s.On.Run(opts...)
}

// operation is something that is done for the step's owner.
func (s Step) operation(action string) Operation {
	return Operation{Owner: s.Owner, Component: s.Component, Action: action}
}

// Root is the root file system as the step leaves it.
func (s Step) Root() State { return s.Run().Root() }

// Output is what the step writes to the empty folder target, at the root of
// the state.
func (s Step) Output(target string) State { return s.Outputs(target)[0] }

// Outputs is Output for several folders of one run.
func (s Step) Outputs(targets ...string) []State {
	for _, t := range targets {
		s.Script += repeatable(t)
	}
	run := s.Run()
	var out []State
	for _, t := range targets {
		out = append(out, run.AddMount(t, bk.Scratch()))
	}
	return out
}

// Copied is Output with the times of the files as the step leaves them.
func (s Step) Copied(target string) State {
	return s.Run().AddMount(target, bk.Scratch())
}

// Layer is what the step writes to prefix, with its final path: one layer that
// holds nothing else but the folders above the prefix.
//
// The step sees an empty folder at the prefix. It writes into a skeleton that
// has the folders above it with a fixed time, and the layer is the difference
// to that skeleton: one layer whose bytes repeat.
func (s Step) Layer(prefix string) State {
	s.Script += repeatable(prefix)
	skeleton := skeleton(prefix)
	wrote := s.Run().AddMount(prefix, skeleton, bk.SourcePath(prefix))
	return bk.Diff(skeleton, wrote, s.operation("layer").described(), s.At.option())
}

// skeleton is the empty prefix. Mkdir gives the folders it makes the current
// time; copying them gives each the constant one.
func skeleton(prefix string) State {
	made := bk.Scratch().File(bk.Mkdir(prefix, 0o755, bk.WithParents(true)),
		helper("prefix "+prefix))
	when := epoch()
	return bk.Scratch().File(bk.Copy(made, "/", "/",
		&bk.CopyInfo{CopyDirContentsOnly: true, CreatedTime: &when}),
		helper("prefix "+prefix))
}

// repeatable ends a script by giving what it wrote one constant time, the one
// thing about freshly written files that differs between two runs.
func repeatable(dir string) string {
	return fmt.Sprintf("\nfind %s -exec touch -h -d @%d {} +", Word(dir), Epoch)
}

// oneStream has a step say everything on one stream: the engine reads two side
// by side, and an error would stand somewhere among what came before it.
const oneStream = "exec 2>&1\n"

func (s Step) script() string {
	script := oneStream + strings.TrimSpace(s.Script)
	switch {
	case s.Network:
		return sourced(SiteEnv) + script
	case s.Jobs:
		return sourced(SiteJobs) + script
	}
	return script
}

// sourced is the shell that reads one of the site's files, where there is one.
func sourced(file string) string { return "[ ! -r " + file + " ] || . " + file + "\n" }

func (s Step) network() []bk.RunOption {
	if s.Network {
		return siteFiles()
	}
	none := bk.Network(pb.NetMode_NONE)
	if s.Jobs {
		return []bk.RunOption{bk.With(none), siteFile(SiteJobs)}
	}
	return []bk.RunOption{bk.With(none)}
}

func (s Step) environment() []bk.RunOption {
	var opts []bk.RunOption
	for _, e := range s.Env {
		k, v, _ := strings.Cut(e, "=")
		opts = append(opts, bk.AddEnv(k, v))
	}
	return opts
}

func (s Step) mounts() []bk.RunOption {
	var opts []bk.RunOption
	for _, m := range s.Inputs {
		opts = append(opts, bk.AddMount(m.Target, m.State, m.options()...))
	}
	for _, c := range s.Caches {
		opts = append(opts, bk.AddMount(c.Target, bk.Scratch(), bk.AsPersistentCacheDir(c.ID, c.sharing())))
	}
	for _, id := range s.Secrets {
		opts = append(opts, bk.AddSecret(Run+"/secrets/"+id, bk.SecretID(id)))
	}
	return opts
}

func (m Mount) options() []bk.MountOption {
	if m.File == "" {
		return []bk.MountOption{bk.Readonly}
	}
	return []bk.MountOption{bk.Readonly, bk.SourcePath(m.File)}
}

func (c Cache) sharing() bk.CacheMountSharingMode {
	if c.Locked {
		return bk.CacheMountLocked
	}
	return bk.CacheMountShared
}
