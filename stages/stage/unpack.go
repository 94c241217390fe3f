package stage

import (
	_ "embed"
	"strconv"
	"strings"

	"github.com/medbuild/medbuild/internal/problem"
	"github.com/medbuild/medbuild/llb"
)

// format is a way in which files are packed.
type format struct {
	stream   string   // shell that writes what is in $archive as a tar
	packages []string // distribution packages that it needs, in addition to tar and gzip
}

// formats are those that a source can have, by the end of its address. Every
// distribution that is known has these packages under these names, and tar and
// gzip without asking. libarchive reads a zip as a stream, which unzip cannot; its
// names are in UTF-8.
var formats = map[string]format{
	"tar":     {stream: `cat "$archive"`},
	"tar.gz":  {stream: `gzip -dc <"$archive"`},
	"tar.bz2": {stream: `bzip2 -dc <"$archive"`, packages: []string{"bzip2"}},
	"tar.xz":  {stream: `xz -dc <"$archive"`, packages: []string{"xz-utils"}},
	"tar.zst": {stream: `zstd -dcq <"$archive"`, packages: []string{"zstd"}},
	"zip":     {stream: `LC_ALL=C.UTF-8 bsdtar -c --format gnutar -f - "@$archive"`, packages: []string{"libarchive-tools"}},
	tree:      {stream: `tar -C "$archive" -cf - .`},
}

// formatNames is formats and the other names that they go by, each before what
// it could be taken for.
var formatNames = [][2]string{
	{"tar.gz", "tar.gz"}, {"tgz", "tar.gz"}, {"tar.bz2", "tar.bz2"}, {"tbz2", "tar.bz2"}, {"tbz", "tar.bz2"},
	{"tar.xz", "tar.xz"}, {"txz", "tar.xz"}, {"tar.zst", "tar.zst"}, {"tzst", "tar.zst"}, {"tar", "tar"}, {"zip", "zip"},
}

// tree stands for the format of a git repository and of an image: BuildKit
// gives their files.
const tree = "tree"

// FormatOf is the format of a source, a key of formats or tree: the one stated,
// or the one that its address ends in.
func FormatOf(s Source, stated string) (string, error) {
	if s.Git+s.Image != "" {
		return tree, nil
	}
	name := stated
	if name == "" {
		name = strings.ToLower((llb.Input{Address: s.URL + s.Debian}).File())
	}
	for _, n := range formatNames {
		if name == n[0] || stated == "" && strings.HasSuffix(name, "."+n[0]) {
			return n[1], nil
		}
	}
	return "", problem.Refusedf("the format of %s is not known", s.URL+s.Debian).
		Hint(`add format = "…": tar, tar.gz, tar.bz2, tar.xz, tar.zst or zip`)
}

// Unpacking is how an input becomes files in a folder. Its patterns are as
// Pattern has them, of paths as they are after Strip.
type Unpacking struct {
	Format      string // a key of formats
	Folder      string // of an image, where the files lie
	Strip       int    // folders taken off the paths
	Keep, Prune []string
	To          string   // absolute
	Most        int64    // bytes that all of the archive may be when it is unpacked; 0 for what goes by its own size
	KeepModes   []string // absolute paths of what keeps its set-uid, set-gid and world-writable bits
}

// Packages are the distribution packages that the script needs.
func (u Unpacking) Packages() []string { return formats[u.Format].packages }

// SourceMount is where a step has its source.
const SourceMount = llb.Run + "/src"

//go:embed scripts/unpack.sh
var unpackScript string

// maxTree is how much a repository or an image may hold, in bytes: the engine has
// them unpacked already.
const maxTree = 1 << 40

// Script unpacks what is mounted at SourceMount, and no more than Most. Archives
// often hold files that only their owner can read, who does not exist in the
// image. Devices, pipes and sockets end it.
func (u Unpacking) Script() string {
	from, most, strip := SourceMount+"/*", u.Most, u.Strip
	if u.Format == tree {
		from, most, strip = llb.Quote(SourceMount+u.Folder), maxTree, strip+1 // its paths begin with ./
	}
	return llb.Script(unpackScript,
		llb.Values{"TO": u.To, "STRIP": strconv.Itoa(strip), "MOST": strconv.FormatInt(most, 10)},
		llb.Code{"STREAM": formats[u.Format].stream, "FROM": from, "PATTERNS": u.patterns(strip),
			"KEPT": llb.Args(u.KeepModes...), "EXCEPT": u.except()})
}

// except is find's words for what keeps its bits.
func (u Unpacking) except() string {
	var b strings.Builder
	for _, f := range u.KeepModes {
		b.WriteString(" ! -path " + llb.Word(f))
	}
	return b.String()
}

func (u Unpacking) patterns(strip int) string {
	if len(u.Keep)+len(u.Prune) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString(" --wildcards --no-wildcards-match-slash")
	for _, p := range u.Prune {
		b.WriteString(pattern(p, strip, "--exclude="))
	}
	for _, p := range u.Keep {
		b.WriteString(pattern(p, strip, ""))
	}
	return b.String()
}

// pattern is one as tar takes it: an option that says where it may match, and
// the pattern, quoted.
func pattern(p string, strip int, option string) string {
	p = strings.TrimSuffix(p, "/")
	if !strings.Contains(p, "/") {
		return " --no-anchored " + option + llb.Quote(p)
	}
	return " --anchored " + option + llb.Quote(strings.Repeat("*/", strip)+strings.TrimPrefix(p, "/"))
}

// Pattern says which files of a component are meant, as the shell has it: * and
// ? stand for no slash. One without a slash is a name in any folder; one with a
// slash, be it in front, is a path from the component's own folder. A folder
// that matches stands for all that is in it.
type Pattern string
