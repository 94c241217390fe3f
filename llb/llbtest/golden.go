package llbtest

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"

	bk "github.com/moby/buildkit/client/llb"
)

// update is the test flag that renews golden files.
var update = flag.Bool("update", false, "renew the golden files")

// repeats is how often Stable makes a state: often enough for the random order
// of a map with two keys to show.
const repeats = 25

// Golden compares v, as indented JSON, with the file. With the flag -update the
// file is written instead.
func Golden(t testing.TB, file string, v any) {
	t.Helper()
	got := indented(t, v)
	if *update {
		write(t, file, got)
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v\nhint: go test ./... -run %s -update writes it", err, t.Name())
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs:\n%s\nhint: when it should, go test -run '%s' -update renews it", file, firstDifference(want, got), t.Name())
	}
}

// Stable fails when the definitions of the states that build makes differ.
func Stable(t testing.TB, build func() bk.State) {
	t.Helper()
	first := Bytes(t, Marshal(t, build()))
	for range repeats - 1 {
		if next := Bytes(t, Marshal(t, build())); !bytes.Equal(first, next) {
			t.Fatalf("two definitions of one state differ:\n%s", firstDifference(first, next))
		}
	}
}

func indented(t testing.TB, v any) []byte {
	t.Helper()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		t.Fatalf("golden JSON: %v", err)
	}
	return b.Bytes()
}

func write(t testing.TB, file string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// firstDifference is the first line that differs, as both have it.
func firstDifference(want, got []byte) string {
	w, g := bytes.Split(want, []byte("\n")), bytes.Split(got, []byte("\n"))
	i := 0
	for i < len(w)-1 && i < len(g)-1 && bytes.Equal(w[i], g[i]) {
		i++
	}
	return "- " + string(w[i]) + "\n+ " + string(g[i])
}
