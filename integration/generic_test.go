package integration

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/medbuild/medbuild/integration/kit"
	"github.com/medbuild/medbuild/integration/standins"
	"github.com/medbuild/medbuild/integration/upstream"
)

// TestGenericStages builds a component of every stage that knows no tool, and
// of those made of an archive alone, from stand-ins, and looks at them inside
// the image.
func TestGenericStages(t *testing.T) {
	if testing.Short() {
		t.Skip("installs packages and compiles; run without -short")
	}
	kit.SharedEngine(t)
	dir, _ := genericProject(t, kit.Site(t))
	atAnotherTime(t, dir)
	log := kit.Built(t, dir).OK(t).Stderr
	if hidden := regexp.MustCompile(`(?m)^warning: \S+:\d+:13: scripts: PATH finds tool in tool \(\S+:8:13\) first$`).FindAllString(log, -1); len(hidden) != 1 {
		t.Errorf("told %q of the two programs of one name:\n%s", hidden, log)
	}
	r := kit.Finish(t, kit.In(dir, kit.Command(t, "run", "--target", "all", "--", "/bin/sh", "-c", genericLook))).OK(t)
	for _, want := range genericSeen {
		if !strings.Contains(r.Stdout, want+"\n") {
			t.Errorf("no %q", want)
		}
	}
	if t.Failed() {
		t.Log(r.Stdout)
	}
	atAnotherTime(t, dir)
	if log = kit.Built(t, dir).OK(t).Stderr; !regexp.MustCompile(`Hits: +6 / +6 `).MatchString(log) {
		t.Errorf("ccache did not serve what CMake, cc, gcc, c++ and g++ compile for the second time:\n%s", log)
	}
}

// genericProject has a component of every stage that knows no tool, and of those
// made of an archive alone.
func genericProject(t *testing.T, s *upstream.Site) (dir, target string) {
	t.Helper()
	dir = kit.Project(t, kit.Components(
		"tool", archiveTable(t, s), "zipped", zipTable(t, s), "compiled", makeTable(t, s),
		"bc", "stage = \"apt\"\nversion = \"1.07\"\npackages = [\"bc\"]\nlicence = \"GPL-3.0-or-later\"\nsmoke = [\"echo 6*7 | bc | grep -x 42\"]\n",
		"c3d", standins.C3D(t, s)+"commands = [\"c3d_affine_tool\"]\n", "art", standins.ART(t, s), "scripts", filesTable))
	kit.WriteFile(t, filepath.Join(dir, "hello.sh"), "#!/bin/sh\necho hello\n")
	return dir, "all"
}

// genericLook says what there is to see, a line for each thing.
const genericLook = `
cat /VERSION_MANIFEST.txt
cd /opt && find tool zipped c3d art -type f -o -type l | sort
echo "TOOLHOME=$TOOLHOME ARTHOME=$ARTHOME"
head -n 1 /root/.bashrc; tail -n 1 /root/.bashrc; stat -c '%n %a %u:%g' /root/.bashrc
stat -c '%n %a %u:%g' /opt/scripts/bin/hello /etc/hello/hello.sh /etc /etc/hello
for p in hello tool compiled c3d_affine_tool; do command -v $p; done
for p in gcc unzip make; do if command -v $p; then exit 1; fi; done; echo no tools of the builder`

var genericSeen = []string{
	"TOOL_VERSION=1.2.3", "ZIPPED=4.5", "COMPILED_VERSION=2.0", "BC_VERSION=1.07.1", "C3D_VERSION=1.0.0", "ART_VERSION=2.0",
	"art/PILbrain.nii\nart/bin/acpcdetect\nart/models/T1acpc.mdl\nc3d/bin/c3d_affine_tool\nc3d/version.txt\ntool/share/bin/tool\ntool/share/lib/a.so\nzipped/bin/zipped",
	"TOOLHOME=/opt/tool/share ARTHOME=/opt/art",
	"# ~/.bashrc: executed by bash(1) for non-login shells.\necho hello\n/root/.bashrc 644 0:0", // the base's line, and the one added
	"/opt/scripts/bin/hello 755 1000:100", "/etc/hello/hello.sh 644 0:0", "/etc 755 0:0", "/etc/hello 755 0:0",
	"/opt/scripts/bin/hello", "/opt/tool/share/bin/tool", "/opt/compiled/bin/compiled", "/opt/c3d/bin/c3d_affine_tool",
	"no tools of the builder",
}

func archiveTable(t *testing.T, s *upstream.Site) string {
	t.Helper()
	return standins.SourceOf(s.Put("/tool/releases/tool-1.2.3.tar.gz", kit.Tar(t, map[string]string{
		"tool-1.2.3/bin/tool": standins.Says("tool 7, version 1.2.3"), "tool-1.2.3/bin/tool_gui": "", "tool-1.2.3/lib/a.so": "so",
		"tool-1.2.3/lib/static/b.a": "!<arch>\n", "tool-1.2.3/doc/tool.pdf": "", "tool-1.2.3/lib/it's (a) file": "",
	}))) + `stage = "archive"
version = "1.2.3"
prefix = "/opt/tool"
strip = 1
to = "share"
keep = ["/bin", "lib"]
prune = ["*.a", "bin/*_gui", "it's (a) *"]
path = ["share/bin"]
env = { TOOLHOME = "{prefix}/share" }
licence = "MIT"
version_command = "tool"
smoke = ["tool | grep version", "test -s $TOOLHOME/lib/a.so"]
`
}

func zipTable(t *testing.T, s *upstream.Site) string {
	t.Helper()
	return standins.SourceOf(s.Put("/zipped/download", kit.Zip(t, map[string]string{"bin/zipped": standins.Says("zipped/4.5 x86-64"), "lib/z.a": "!<arch>\n"}))) +
		`stage = "archive"
version = "4.5"
prefix = "/opt/zipped"
format = "zip"
prune = ["lib"]
licence = "MIT"
version_command = "{prefix}/bin/zipped"
version_pattern = "zipped/([0-9.]+)"
version_key = "ZIPPED"
`
}

// makeTable serves a repository with a program to compile. The first pair of
// compilers is CMake's choice.
func makeTable(t *testing.T, s *upstream.Site) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"main.c":      "int more(void);\nint main(void) { return more(); }\n",
		"more.cpp":    "#include <cstdio>\nextern \"C\" int more() { return puts(\"compiled 2.0\") < 0; }\n",
		"fetch.cmake": "file(DOWNLOAD https://files.example/x x STATUS s)\nmessage(FATAL_ERROR \"${s}\")\n",
		"CMakeLists.txt": "cmake_minimum_required(VERSION 3.13)\nproject(compiled C CXX)\nadd_executable(compiled main.c more.cpp)\n" +
			"install(TARGETS compiled DESTINATION bin)\n",
	} {
		kit.WriteFile(t, filepath.Join(dir, name), text)
	}
	address, commit, err := s.Repository("/lab/compiled.git", dir)
	kit.NoError(t, err)
	return fmt.Sprintf("source = { git = %q, commit = %q }\n", address, commit) + `stage = "make"
version = "2.0"
prefix = "/opt/compiled"
build_packages = { any = ["cmake", "g++", "make"], debian-13 = ["libc6-dev"] }
configure = 'test -z "$NOT_SET" && test "$PREFIX" = /opt/compiled && echo "$MAKEFLAGS" | grep -E "^-j[0-9]+$" && cmake -S . -B out -DCMAKE_INSTALL_PREFIX="$PREFIX" -DTIME=0'
build = 'ccache --zero-stats && cmake --build out && cc -c main.c && gcc -c main.c && c++ -c more.cpp && g++ -c more.cpp'
install = 'cmake --install out'
path = ["bin"]
licence = "GPL-3.0-or-later"
version_command = "compiled"
`
}

// atAnotherTime changes an option of the program to compile that no object depends on.
func atAnotherTime(t *testing.T, dir string) {
	t.Helper()
	file := filepath.Join(dir, "components.toml")
	kit.WriteFile(t, file, regexp.MustCompile(`-DTIME=\d+`).ReplaceAllString(kit.ReadFile(t, file), fmt.Sprintf("-DTIME=%d", time.Now().UnixNano())))
}

const filesTable = `stage = "files"
version = "1"
prefix = "/opt/scripts"
path = ["bin"]
smoke = ["hello | grep -x hello", "test -r /etc/hello/hello.sh"]
files = [
  { from = "hello.sh", to = "bin/hello", mode = "0755", owner = "1000:100" },
  { from = "hello.sh", to = "bin/tool", mode = "0755" },
  { from = "hello.sh", to = "/etc/hello/" },
  { from = "hello.sh", to = "/root/.bashrc", append = true },
]
`

// TestPythonByAddress: a wheel and a source archive that no index has, the
// latter built with what the constraints pin, beside the distribution's own
// packages.
func TestPythonByAddress(t *testing.T) {
	if testing.Short() {
		t.Skip("installs packages; run without -short")
	}
	kit.SharedEngine(t)
	dir, _ := pythonProject(t, kit.Site(t))
	if log := kit.Built(t, dir).OK(t).Stderr; !strings.Contains(log, "[python] fetch standin-1.5%2Bcpu") {
		t.Errorf("the wheel was not the engine's to fetch: %s", log)
	}
	r := kit.Finish(t, kit.In(dir, kit.Command(t, "run", "--target", "all", "--", "/bin/sh", "-c",
		`cat /VERSION_MANIFEST.txt; python -c 'import standin, built, six; print(standin.word, built.word, six.__file__)'`))).OK(t)
	for _, want := range []string{"STANDIN_VERSION=1.5+cpu\n", "BUILT_VERSION=2.5\n", "SIX_VERSION=1.", "wheel sdist /usr/lib/python3/dist-packages/six.py\n"} {
		if !strings.Contains(r.Stdout, want) {
			t.Errorf("no %q in\n%s", want, r.Stdout)
		}
	}

	kit.WriteFile(t, filepath.Join(dir, "build.txt"), "setuptools==84.2.1 --hash=sha256:"+strings.Repeat("0", 64)+"\n")
	kit.Built(t, dir).Failed(t, 1, "python: step [python] install packages failed", "setuptools")
}

// pythonProject is a wheel and a source archive by their addresses.
func pythonProject(t *testing.T, s *upstream.Site) (dir, target string) {
	t.Helper()
	dir = kit.Project(t, kit.Components("python", `version = "3.13"
requirements = "requirements.txt"
packages = ["standin", "built", "six"]
system_site_packages = true
runtime = ["python3-six"]
build = true
build_constraints = "build.txt"
`))
	wheel, sum := s.Put("/whl/cpu/standin-1.5+cpu-py3-none-any.whl", wheelOf(t))
	wheel = strings.Replace(wheel, "+", "%2B", 1) // as indexes write it
	archive, archiveSum := s.Put("/extras/built-2.5.tar.gz", sdistOf(t))
	kit.WriteFile(t, filepath.Join(dir, "requirements.txt"), fmt.Sprintf(`standin @ %s ; sys_platform == "linux" \
    --hash=sha256:%s
built @ %s --hash=sha256:%s
`, wheel, sum, archive, archiveSum))
	kit.WriteFile(t, filepath.Join(dir, "build.txt"), "setuptools==84.2.1 --hash=sha256:ca140b45d5325a9478f880e351484f62fef15f336462e449ca0c03c873d589c2\n")
	return dir, "all"
}

// wheelOf is a package file with a module.
func wheelOf(t *testing.T) []byte {
	t.Helper()
	const info = "standin-1.5+cpu.dist-info/"
	return kit.Zip(t, map[string]string{
		"standin.py":      "word = 'wheel'\n",
		info + "METADATA": "Metadata-Version: 2.1\nName: standin\nVersion: 1.5+cpu\n",
		info + "WHEEL":    "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
		info + "RECORD":   "standin.py,,\n" + info + "METADATA,,\n" + info + "WHEEL,,\n" + info + "RECORD,,\n",
	})
}

func sdistOf(t *testing.T) []byte {
	t.Helper()
	return kit.Tar(t, map[string]string{
		"built-2.5/PKG-INFO":       "Metadata-Version: 2.1\nName: built\nVersion: 2.5\n",
		"built-2.5/built.py":       "word = 'sdist'\n",
		"built-2.5/pyproject.toml": "[build-system]\nrequires = [\"setuptools\"]\nbuild-backend = \"setuptools.build_meta\"\n[project]\nname = \"built\"\nversion = \"2.5\"\n[tool.setuptools]\npy-modules = [\"built\"]\n",
	})
}

// TestGenericErrors: what goes wrong inside is said with the component, and
// with what to change.
func TestGenericErrors(t *testing.T) {
	if testing.Short() {
		t.Skip("builds on an engine; run without -short")
	}
	kit.SharedEngine(t)
	s := kit.Site(t)
	table := archiveTable(t, s)
	project := func(old, changed string) string {
		return kit.Project(t, kit.Components("tool", strings.Replace(table, old, changed, 1)))
	}
	kit.Built(t, project("strip = 1\nto = \"share\"\nkeep = [\"/bin\", \"lib\"]\n", "strip = 7\n")).Failed(t, 1, "tool: step [tool] unpack failed", "nothing at this depth")
	kit.Built(t, project(`"/bin", "lib"`, `"/bin", "libs"`)).Failed(t, 1, "tool: step [tool] unpack failed", "libs: Not found in archive")
	kit.Built(t, project(`version = "1.2.3"`, `version = "1.2.4"`)).Failed(t, 1, "tool answers version 1.2.3, components.toml has 1.2.4")
	kit.Built(t, project(`"tool | grep version"`, `"echo seen; tool | grep nothing"`)).Failed(t, 1,
		"components.toml:21:10: tool: step [tool] test failed: echo seen; tool | grep nothing: exit code 1\n  | seen\n")
	kit.Built(t, project(`version_command = "tool"`, `version_command = "nosuch; exit 9"`)).Failed(t, 1,
		"components.toml:20:1: tool: step [tool] test failed: nosuch; exit 9 does not answer with a version (exit code 9)\n  | sh: 1: nosuch: not found\n")
	compiled := strings.Replace(makeTable(t, s), "configure = '", "configure = 'cmake -P fetch.cmake && ", 1)
	kit.Built(t, kit.Project(t, kit.Components("compiled", compiled))).Failed(t, 1,
		"components.toml:14:1: compiled: step [compiled] compile failed: cmake -P fetch.cmake && test -z", "-DTIME=0: exit code 1\n",
		"hint: steps have no network: state what they fetch as source")
	kit.Built(t, licensed(t, s)).Failed(t, 1, "components.toml:8:13: tool: step [tool] test failed: /opt/tool/doc/License.old looks like a FreeSurfer licence")
}

// licensed is a tool whose archive brings somebody's licence of FreeSurfer.
func licensed(t *testing.T, s *upstream.Site) (dir string) {
	t.Helper()
	source := standins.SourceOf(s.Put("/licensed-1.2.3.tar.gz", kit.Tar(t, map[string]string{
		"licensed-1.2.3/bin/tool": standins.Says("1.2.3"), "licensed-1.2.3/doc/License.old": upstream.Registered, "licensed-1.2.3/LICENSE": "MIT\n"})))
	return kit.Project(t, kit.Components("tool", "stage = \"archive\"\nversion = \"1.2.3\"\nprefix = \"/opt/tool\"\nstrip = 1\nlicence = \"MIT\"\n"+
		"version_command = \"{prefix}/bin/tool\"\n"+source))
}
