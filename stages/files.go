package stages

import (
	"io/fs"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/medbuild/medbuild/internal/problem"
	"github.com/medbuild/medbuild/stages/stage"

	"github.com/medbuild/medbuild/llb"
)

// Files is a component that is files of the user's: scripts, settings, data,
// and links and empty folders.
type Files struct {
	stage.Common
	Files []Entry           `toml:"files" doc:"the files and folders"`
	Links map[string]string `toml:"links" form:"path" keys:"path" doc:"symbolic links: from each path to its target"`
	stage.Generic
}

// Entry is one file or folder of a Files.
type Entry struct {
	At    problem.Position `toml:"-"`
	From  stage.File       `toml:"from" doc:"the file, relative to the folder of this file; an empty folder when left out"`
	To    string           `toml:"to" form:"path" doc:"the destination, below the prefix or absolute; a folder to copy into when it ends in a slash"`
	Mode  string           `toml:"mode" form:"mode" doc:"permissions in octal digits; 0644 when left out, 0755 for a folder"`
	Add   bool             `toml:"append" doc:"add the file to the end of one that the base has, which keeps its owner and permissions"`
	Owner string           `toml:"owner" form:"owner" doc:"numeric user and group, such as 1000:100; 0:0 when left out"`
}

var (
	_ stage.Checker = (*Files)(nil)
	_ stage.Checker = (*Entry)(nil)
)

// ownLicence says that the files are the user's own.
const ownLicence = "LicenseRef-Own"

// maxFiles is how much a component's files may hold together, in bytes: they
// are sent within the definition, of which an engine takes 16 MiB at most.
const maxFiles = 4 << 20

// Check reports what is wrong with the entry.
func (e *Entry) Check() error {
	if e.To == "" {
		return problem.Refusedf("the entry has no destination").Hint(`add to = "…"`)
	}
	if stage.HoldsLicence(e.From.Content) {
		return problem.Refusedf("%s looks like a FreeSurfer licence, which must not be part of an image", e.From.Path).
			Hint("provide it when a container runs: see fs-license in the image")
	}
	if !e.Add {
		return nil
	}
	switch {
	case e.folder():
		return problem.Refusedf("append adds a file, and the entry names none").Hint(`add from = "…"`)
	case !path.IsAbs(e.To) || strings.HasSuffix(e.To, "/"):
		return problem.Refusedf("append adds to a file of the base, and %q is not the absolute path of one", e.To)
	case e.Mode+e.Owner != "":
		return problem.Refusedf("a file that is added to keeps its owner and permissions").Hint("remove mode and owner")
	}
	return nil
}

// folder reports whether the entry is a folder of its own.
func (e *Entry) folder() bool { return e.From.Path == "" }

// Check reports what is wrong with the settings.
func (f *Files) Check() error {
	size := 0
	for _, e := range f.Files {
		size += len(e.From.Content)
	}
	for _, to := range f.destinations() {
		if f.Prefix == "" && !path.IsAbs(to) {
			return problem.Refusedf("path %q is relative, but the component has no prefix", to).
				Hint(`add prefix = "…", or write an absolute path`)
		}
	}
	switch {
	case len(f.Files)+len(f.Links) == 0:
		return problem.Refusedf("the component has no files").
			Hint(`add [[components.<name>.files]] with from = "…" and to = "…"`)
	case size > maxFiles:
		return problem.Refusedf("the files have %d bytes together, more than the limit of %d", size, maxFiles).
			Hint("pack large files into an archive, and use the stage archive")
	}
	return f.Complete(false)
}

func (f *Files) destinations() []string {
	out := slices.Sorted(maps.Keys(f.Links))
	for _, e := range f.Files {
		out = append(out, e.To)
	}
	return out
}

// Stage copies the files.
func (f *Files) Stage(g stage.Ground) (stage.Stage, error) {
	entries, err := f.entries()
	if err != nil {
		return stage.Stage{}, err
	}
	s, err := f.Describe(f.Common, g.Run.Facts)
	s.Appends = f.appends()
	if len(entries) > 0 {
		layer := llb.FileLayer(f.Name, entries, here())
		s.Layer, s.Places, s.Programs = &layer, f.places(entries), programs(entries)
	}
	return s, err
}

// appends are the entries that are no files of their own.
func (f *Files) appends() []llb.Entry {
	var out []llb.Entry
	for _, e := range f.Files {
		if e.Add {
			out = append(out, llb.Entry{Path: path.Clean(e.To), Content: e.From.Content})
		}
	}
	return out
}

// programs are the entries that can be run; of links that cannot be told.
func programs(entries []llb.Entry) []string {
	var out []string
	for _, e := range entries {
		if e.Link != "" || !e.Folder && e.Mode&0o111 != 0 {
			out = append(out, e.Path)
		}
	}
	return out
}

func (f *Files) entries() ([]llb.Entry, error) {
	var out []llb.Entry
	for _, e := range f.Files {
		if e.Add {
			continue
		}
		entry, err := e.entry(f.Prefix)
		if err != nil {
			return nil, problem.At(e.At, "", err)
		}
		out = append(out, entry)
	}
	for _, from := range slices.Sorted(maps.Keys(f.Links)) {
		out = append(out, llb.Entry{Path: stage.Below(f.Prefix, from), Link: f.Links[from]})
	}
	return out, nil
}

func (e *Entry) entry(prefix string) (llb.Entry, error) {
	mode, err := e.mode()
	if err != nil {
		return llb.Entry{}, err
	}
	to := stage.Below(prefix, e.To)
	if strings.HasSuffix(e.To, "/") && !e.folder() {
		to = path.Join(to, path.Base(e.From.Path))
	}
	uid, gid, err := e.owner()
	return llb.Entry{Path: to, Content: e.From.Content, Folder: e.folder(), Mode: mode, UID: uid, GID: gid}, err
}

func (e *Entry) mode() (fs.FileMode, error) {
	switch {
	case e.Mode == "" && e.folder():
		return 0o755, nil
	case e.Mode == "":
		return 0o644, nil
	}
	mode, err := strconv.ParseUint(e.Mode, 8, 32)
	if err != nil || mode > 0o777 {
		return 0, problem.Refusedf("mode %q is not three octal digits", e.Mode)
	}
	return fs.FileMode(mode), nil
}

func (e *Entry) owner() (uid, gid int, err error) {
	if e.Owner == "" {
		return 0, 0, nil
	}
	user, group, _ := strings.Cut(e.Owner, ":")
	uid, err1 := strconv.Atoi(user)
	gid, err2 := strconv.Atoi(group)
	if err1 != nil || err2 != nil {
		return 0, 0, problem.Refusedf("owner %q is not a numeric user and group", e.Owner).
			Hint("write numbers, such as 1000:100: the names differ between bases")
	}
	return uid, gid, nil
}

// places are the prefix, when a file lies below it, and the files that do not.
func (f *Files) places(entries []llb.Entry) []string {
	var inside bool
	var out []string
	for _, e := range entries {
		if f.Prefix != "" && strings.HasPrefix(e.Path, f.Prefix+"/") {
			inside = true
			continue
		}
		out = append(out, e.Path)
	}
	if inside {
		return append([]string{f.Prefix}, out...)
	}
	return out
}
