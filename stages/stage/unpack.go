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
	option   string   // for tar
	packages []string // distribution packages that unpack it, in addition to tar and gzip
}

// formats are those that a source can have, by the end of its address. Every
// distribution that is known has these packages under these names, and tar and
// gzip without asking.
var formats = map[string]format{
	"tar":     {},
	"tar.gz":  {option: "-z"},
	"tar.bz2": {option: "-j", packages: []string{"bzip2"}},
	"tar.xz":  {option: "-J", packages: []string{"xz-utils"}},
	"tar.zst": {option: "-I zstd", packages: []string{"zstd"}},
	"zip":     {packages: []string{"unzip"}},
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
	Format      string // a key of formats, or tree
	Folder      string // of an image, where the files lie
	Strip       int    // folders taken off the paths
	Keep, Prune []string
	To          string // absolute
}

// Packages are the distribution packages that the script needs.
func (u Unpacking) Packages() []string { return formats[u.Format].packages }

// SourceMount is where a step has its source.
const SourceMount = llb.Run + "/src"

//go:embed scripts/unpack.sh
var unpackScript string

// A zip, whose programs know neither strip nor where a * must stop, and the
// files of a repository or an image are put into a tar first: one set of rules
// for all.
const (
	inputFile = SourceMount + "/*"
	tarFile   = "/tmp/unpack.tar"
	zipScript = "unzip -q " + inputFile + " -d /tmp/unzipped && tar -C /tmp/unzipped -cf " + tarFile + " . && rm -rf /tmp/unzipped\n"
)

// Script unpacks what is mounted at SourceMount. Archives often hold files that
// only their owner can read, who does not exist in the image.
func (u Unpacking) Script() string {
	from, before, strip := inputFile, "", u.Strip
	switch u.Format {
	case "zip":
		from, before, strip = tarFile, zipScript, strip+1 // its paths begin with ./
	case tree:
		from, before, strip = tarFile, "tar -C "+llb.Quote(SourceMount+u.Folder)+" -cf "+tarFile+" .\n", strip+1
	}
	return llb.Script(unpackScript, llb.Values{"TO": u.To, "STRIP": strconv.Itoa(strip)},
		llb.Code{"BEFORE": before, "OPTIONS": strings.TrimSpace("-x " + formats[u.Format].option), "FROM": from, "PATTERNS": u.patterns(strip)})
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
