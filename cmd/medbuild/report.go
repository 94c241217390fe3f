package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/medbuild/medbuild/internal/build"
	"github.com/medbuild/medbuild/internal/files"
)

// report tells what was built: a summary for people on standard error, the
// references on standard output, the files that were asked for.
func (r *request) report(ctx context.Context, s *session, images []built, took time.Duration) error {
	var done []built
	for _, b := range images {
		if b.result.Target != "" {
			done = append(done, b)
		}
	}
	if err := r.summaries(ctx, s, done, took); err != nil {
		return err
	}
	if !r.onStdout() {
		printReferences(os.Stdout, done)
	}
	return errors.Join(metadataFile(r.flags.metadata, done), iidFile(r.flags.iid, done))
}

// printReferences prints every reference of the images with the digest that was
// written under it, each once.
func printReferences(w io.Writer, images []built) {
	printed := map[string]bool{}
	for _, b := range images {
		for _, line := range references(b.result.Written) {
			if !printed[line] {
				printed[line] = true
				fmt.Fprintln(w, line)
			}
		}
	}
}

func references(written []build.Written) []string {
	var out []string
	for _, w := range written {
		for _, name := range w.Names {
			if w.Digest != "" {
				out = append(out, name+"@"+w.Digest)
			}
		}
	}
	return out
}

func (r *request) onStdout() bool {
	for _, o := range r.outputs {
		if o.ToStdout() {
			return true
		}
	}
	return false
}

func (r *request) summaries(ctx context.Context, s *session, images []built, took time.Duration) error {
	if r.flags.say() == nil {
		return nil
	}
	for _, b := range images {
		sum := build.Summarize(ctx, s.solve, build.Blobs(s.engine.Client), b.Image.Image, b.result)
		if err := sum.Write(os.Stderr); err != nil {
			return err
		}
	}
	if len(images) == 0 {
		return nil
	}
	if err := build.WritePath(os.Stderr, s.solve.Progress.Record); err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "  %s in all\n", took.Round(10*time.Millisecond))
	return nil
}

// metadataFile writes what the exporters answered, by target when there are
// several, in the form docker buildx has.
func metadataFile(path string, images []built) error {
	if path == "" || len(images) == 0 {
		return nil
	}
	var all any = metadata(images[0].result)
	if len(images) > 1 {
		byTarget := map[string]any{}
		for _, b := range images {
			byTarget[b.Name] = metadata(b.result)
		}
		all = byTarget
	}
	data, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return err
	}
	return files.Write(path, append(data, '\n'))
}

// ofOutputs is the key of the list of all outputs, which docker buildx lacks.
const ofOutputs = "medbuild.outputs"

// metadata is what the first image's exporter answered and, where there are
// several outputs, what each one did: their digests may differ.
func metadata(r build.Result) map[string]any {
	out := answered(r.Response)
	if len(r.Written) < 2 {
		return out
	}
	var each []map[string]any
	for _, w := range r.Written {
		one := answered(w.Response)
		one["type"] = w.Output.Type
		if w.Output.Dest != "" {
			one["dest"] = w.Output.Dest
		}
		each = append(each, one)
	}
	out[ofOutputs] = each
	return out
}

func answered(response map[string]string) map[string]any {
	out := map[string]any{}
	for k, v := range response {
		out[k] = decoded(v)
	}
	return out
}

// decoded is a value as JSON where it holds JSON, base64-encoded or not.
func decoded(v string) any {
	data, err := base64.StdEncoding.DecodeString(v)
	if err != nil {
		return v
	}
	var object map[string]any
	if json.Unmarshal(data, &object) != nil {
		return v
	}
	return object
}

func iidFile(path string, images []built) error {
	if path == "" || len(images) == 0 {
		return nil
	}
	return files.Write(path, []byte(images[0].result.Digest))
}
