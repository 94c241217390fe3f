package kit

import (
	"io"
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

// OpenLayout is the one image of an OCI layout.
func OpenLayout(t testing.TB, layout string) v1.Image {
	t.Helper()
	return Must(image.OpenLayout(layout))(t)
}
