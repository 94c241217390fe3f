package faults

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/medbuild/medbuild/integration/kit"
	"golang.org/x/sync/errgroup"
)

var update = flag.Bool("update", false, "write the tables of docs/reliability.md")

// kind is a kind of source, and how a project of it is made whose one source a
// server with a fault has.
type kind struct {
	name    string
	long    bool                                                 // it installs packages first
	content func(*http.Request, *httptest.ResponseRecorder) bool // which answers have the content
	project func(t *testing.T, f *faulty) (dir string, server *httptest.Server)
}

func kinds() []kind {
	return []kind{{"http", false, everything, archiveCell}, {"git", false, pack, gitCell}, {"image", false, manifest, imageCell}, {"Python", true, wheel, pythonCell}}
}

func serve(t *testing.T, f *faulty) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(f)
	t.Cleanup(s.CloseClientConnections)
	t.Cleanup(s.Close)
	return s
}

func everything(*http.Request, *httptest.ResponseRecorder) bool { return true }

const cellTool = "stage = \"archive\"\nversion = \"1.0\"\nprefix = \"/opt/tool\"\nlicence = \"MIT\"\nversion_command = \"sh /opt/tool/bin/tool\"\n"

func archiveCell(t *testing.T, f *faulty) (string, *httptest.Server) {
	t.Helper()
	s := kit.Site(t)
	f.Handler, f.matches = s, everything
	server := serve(t, f)
	_, sum := s.Put(toolPath, kit.Tar(t, map[string]string{"tool-1/bin/tool": kit.Own(t, "#!/bin/sh\necho tool 1.0\n")}))
	return kit.Project(t, kit.Components("tool", cellTool+fmt.Sprintf("strip = 1\nsource = { url = %q, sha256 = %q }\n", server.URL+toolPath, sum))), server
}

func gitCell(t *testing.T, f *faulty) (string, *httptest.Server) {
	t.Helper()
	s := kit.Site(t)
	f.Handler, f.matches = s, everything
	server := serve(t, f)
	dir := t.TempDir()
	kit.WriteFile(t, filepath.Join(dir, "bin/tool"), kit.Own(t, "#!/bin/sh\necho tool 1.0\n"))
	_, commit, err := s.Repository(scriptsPath, dir)
	kit.NoError(t, err)
	return kit.Project(t, kit.Components("tool", cellTool+fmt.Sprintf("source = { git = %q, commit = %q }\n", server.URL+scriptsPath, commit))), server
}

func pack(_ *http.Request, rec *httptest.ResponseRecorder) bool {
	return bytes.Contains(rec.Body.Bytes(), []byte("PACK"))
}

func manifest(r *http.Request, _ *httptest.ResponseRecorder) bool {
	return r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/manifests/")
}

func imageCell(t *testing.T, f *faulty) (string, *httptest.Server) {
	t.Helper()
	f.Handler, f.matches = kit.EmptyRegistry(), everything
	server := serve(t, f)
	f.well.Store(true)
	reference := kit.PushTo(t, server, "lab/tool:1", map[string]string{"opt/tool/bin/tool": kit.Own(t, "#!/bin/sh\necho tool 1.0\n")})
	f.well.Store(false)
	return kit.Project(t, kit.Components("tool", cellTool+fmt.Sprintf("source = { image = %q, path = \"/opt/tool\" }\n", reference))), server
}

const wheelPath = "/f/tool-1.0-py3-none-any.whl"

func wheel(r *http.Request, _ *httptest.ResponseRecorder) bool { return r.URL.Path == wheelPath }

// pythonCell has the fault at the wheel, of which the index has the address.
func pythonCell(t *testing.T, f *faulty) (string, *httptest.Server) {
	t.Helper()
	archive := kit.Zip(t, map[string]string{"tool.py": kit.Own(t, "word = 'tool'\n"), "tool-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: tool\nVersion: 1.0\n",
		"tool-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n", "tool-1.0.dist-info/RECORD": ""})
	sum := sha256.Sum256(archive)
	pin := hex.EncodeToString(sum[:])
	s := kit.Site(t)
	s.Put(wheelPath, archive)
	mux := http.NewServeMux()
	mux.Handle("/f/", s)
	mux.HandleFunc("/simple/tool/", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, `<a href="%s#sha256=%s">tool-1.0-py3-none-any.whl</a>`, wheelPath, pin)
	})
	f.Handler, f.matches = mux, wheel
	server := serve(t, f)
	dir := kit.Project(t, kit.Components("tool", "stage = \"python\"\nversion = \"3.13\"\nprefix = \"/opt/python\"\nrequirements = \"requirements.txt\"\npackages = [\"tool\"]\n"))
	kit.WriteFile(t, filepath.Join(dir, "requirements.txt"), "tool==1.0 --hash=sha256:"+pin+"\n")
	return dir, server
}

// cell is what came of a fault of a kind of source.
type cell struct {
	kind, fault, address string
	tries                string
	result               kit.Result
	reason, remedy       string
}

// Every kind of source with every fault: what may pass is tried again, and each
// error names the component, the address and what to do. The outcomes are the
// tables of docs/reliability.md.
func TestFaultTable(t *testing.T) {
	if testing.Short() {
		t.Skip("builds on an engine; run without -short")
	}
	kit.SharedEngine(t)
	long := os.Getenv("MEDBUILD_TEST_LONG") != "" || *update
	warm(t, kinds()[0])
	page := kit.Path("docs/reliability.md")
	want := kit.ReadFile(t, page)
	text := want
	for _, k := range kinds() {
		if k.long && !long {
			continue
		}
		if k.long {
			warm(t, k)
		}
		text = inserted(t, text, k.name, table(cells(t, k, long)))
	}
	if *update {
		kit.WriteFile(t, page, text)
	} else if text != want {
		t.Errorf("docs/reliability.md is not what happens: go test ./integration/faults -run FaultTable -update\n%s", text)
	}
}

// warm builds a project without a fault, so that what a kind needs is there.
func warm(t *testing.T, k kind) {
	f := &faulty{}
	f.well.Store(true)
	dir, server := k.project(t, f)
	if r := run(t, dir, server.URL, ""); r.Err != nil {
		t.Fatalf("%s without a fault: %s", k.name, r.Stderr)
	}
}

type outcome struct {
	kit.Result
	Err error
}

func failed(o outcome) string {
	if o.Err == nil {
		return ""
	}
	return o.Stderr
}

// run builds a project within the limit for a fetch.
func run(t *testing.T, dir, index, limit string) outcome {
	cmd := kit.In(dir, kit.Command(t, "build", "--progress", "plain", "--target", "all"))
	cmd.Env = append(os.Environ(), "UV_DEFAULT_INDEX="+index+"/simple", "HOME="+dir)
	if limit != "" {
		site := filepath.Join(dir, "site.toml")
		if err := os.WriteFile(site, []byte("[fetch]\ntimeout = \""+limit+"\"\n"), 0o600); err != nil {
			return outcome{Err: err}
		}
		cmd.Env = append(cmd.Env, "MEDBUILD_SITE="+site)
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	err := cmd.Run()
	return outcome{kit.Result{Stderr: stderr.String(), Code: cmd.ProcessState.ExitCode()}, err}
}

// cells are the twelve of a kind, some at a time: most of it is waiting.
func cells(t *testing.T, k kind, long bool) []cell {
	all := faults()
	out := make([]cell, len(all))
	var group errgroup.Group
	group.SetLimit(6)
	for i, ft := range all {
		f := &faulty{answer: ft.answer}
		dir, server := k.project(t, f)
		if ft.bytes {
			f.matches = k.content
		}
		if ft.answer == nil {
			server.Close()
		}
		limit := ""
		if ft.timed {
			limit = "4s"
		}
		group.Go(func() error {
			out[i] = outcomeOf(k, ft, server.URL, run(t, dir, server.URL, limit))
			if f.well.Store(true); long && ft.answer != nil {
				// An engine keeps a damaged manifest until it next looks for what nobody uses.
				if left := kit.Eventually(20*time.Second, func() string { return failed(run(t, dir, server.URL, "")) }); left != "" {
					t.Errorf("%s, %s: not built once the server is well: %s", k.name, ft.name, left)
				}
			}
			return nil
		})
	}
	_ = group.Wait()
	for i, c := range out {
		t.Run(k.name+" "+c.fault, func(t *testing.T) { c.check(t, all[i]) })
	}
	return out
}

var (
	said    = regexp.MustCompile(`(?s)medbuild: components\.toml:\d+:\d+: tool: (.*?)(\n\s*made at|\n\s*\| |\nhint: |$)`)
	manyTry = regexp.MustCompile(` \((\d) tries\)`)
	host    = regexp.MustCompile(`127\.0\.0\.1(:| port )\d+`)
	digits  = regexp.MustCompile(`[0-9a-f]{40,64}`)
	counts  = regexp.MustCompile(`\d+( bytes (?:remaining|of body))`)
	local   = regexp.MustCompile(`127\.0\.0\.1:\d+->|after \d+ ms`)
)

// outcomeOf reads an error as people do: its first line, and its first hint.
func outcomeOf(k kind, ft fault, address string, r outcome) cell {
	c := cell{kind: k.name, fault: ft.name, address: strings.TrimPrefix(address, "http://"), result: r.Result, tries: "1"}
	message := r.Stderr[max(0, strings.LastIndex(r.Stderr, "medbuild: ")):]
	if m := said.FindStringSubmatch(message); m != nil {
		c.reason = m[1]
	}
	if m := manyTry.FindStringSubmatch(c.reason); m != nil {
		c.tries, c.reason = m[1], strings.Replace(c.reason, m[0], "", 1)
	}
	if k.name == "Python" && ft.passes {
		c.tries = "uv's"
	}
	if _, hint, ok := strings.Cut(message, "\nhint: "); ok {
		c.remedy, _, _ = strings.Cut(hint, "\n")
	}
	return c
}

// damaged is what comes of servers that send nonsense, where another try of it
// is cheap.
var damaged = map[string]bool{"http empty body": true, "git empty body": true, "git other bytes": true, "image empty body": true}

// check holds an error to what each must have.
func (c cell) check(t *testing.T, ft fault) {
	code := 1
	if ft.passes || ft.timed || damaged[c.kind+" "+c.fault] {
		code = 75
	}
	if c.result.Code != code {
		t.Errorf("exit code %d, want %d", c.result.Code, code)
	}
	if ft.passes && c.tries == "1" {
		t.Error("not tried again")
	}
	if !strings.Contains(c.reason, c.address) || c.remedy == "" {
		t.Errorf("the error lacks component, address or remedy")
	}
	if t.Failed() {
		t.Log(c.result.Stderr)
	}
}

// table is the outcomes for people, without what differs from run to run.
func table(all []cell) string {
	var b strings.Builder
	b.WriteString("| the server | tries | exit | the error | its hint |\n| --- | --- | --- | --- | --- |\n")
	for _, c := range all {
		reason := local.ReplaceAllString(strings.Join(strings.Fields(c.reason), " "), "")
		reason = counts.ReplaceAllString(reason, "N$1")
		reason = digits.ReplaceAllString(host.ReplaceAllString(reason, "HOST"), "…")
		fmt.Fprintf(&b, "| %s | %s | %d | %s | %s |\n", c.fault, c.tries, c.result.Code, inCell(reason), inCell(c.remedy))
	}
	return b.String()
}

func inCell(s string) string {
	return strings.NewReplacer("|", "\\|", "<", "&lt;").Replace(s)
}

// inserted is the page with a kind's table in its place.
func inserted(t *testing.T, page, kind, table string) string {
	t.Helper()
	begin, end := "<!-- table "+kind+" -->\n", "<!-- end "+kind+" -->\n"
	before, rest, ok := strings.Cut(page, begin)
	_, after, closed := strings.Cut(rest, end)
	if !ok || !closed {
		t.Fatalf("docs/reliability.md has no place for the table of %s", kind)
	}
	return before + begin + table + end + after
}
