package kit

import (
	"io"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/medbuild/medbuild/internal/image"
)

// Packed is a file of a layer.
type Packed struct {
	image.Entry
	Text string // its content
}

// Below is the files and links of an image below a folder, by their path in it.
func Below(t testing.TB, layout, folder string) map[string]Packed {
	t.Helper()
	out := map[string]Packed{}
	err := image.Walk(OpenLayout(t, layout), func(e image.Entry) error {
		name, ok := strings.CutPrefix(e.Name, folder+"/")
		if !ok || e.FileInfo().IsDir() {
			return nil
		}
		content, err := io.ReadAll(e.Content)
		out[name] = Packed{e, string(content)}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// LayerNumbers is the layer in which each of the files is, by number.
func LayerNumbers(t testing.TB, layout string, names ...string) map[string]int {
	t.Helper()
	out := map[string]int{}
	NoError(t, image.Walk(OpenLayout(t, layout), func(e image.Entry) error {
		if slices.Contains(names, e.Name) {
			out[e.Name] = e.Layer
		}
		return nil
	}))
	return out
}

// OpenLayout is the one image of an OCI layout.
func OpenLayout(t testing.TB, layout string) v1.Image {
	t.Helper()
	return Must(image.OpenLayout(layout))(t)
}
