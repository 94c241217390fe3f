package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/medbuild/medbuild/integration/kit"
	"github.com/medbuild/medbuild/integration/standins"
	"github.com/medbuild/medbuild/integration/upstream"
)

// benchBytes is how much a source has when it is unpacked: 64 MB, or what
// MEDBUILD_BENCH_BYTES says, such as 10G for a FreeSurfer of the real size.
func benchBytes(tb testing.TB) int64 {
	tb.Helper()
	text := os.Getenv("MEDBUILD_BENCH_BYTES")
	if text == "" {
		return 64e6
	}
	unit := int64(1)
	for suffix, n := range map[string]int64{"M": 1e6, "G": 1e9} {
		if rest, ok := strings.CutSuffix(text, suffix); ok {
			text, unit = rest, n
		}
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n <= 0 {
		tb.Fatalf("MEDBUILD_BENCH_BYTES=%s is no size: write it as 500M or 10G", text)
	}
	return n * unit
}

// largeSource is a project with a source that nobody has seen, and the size of
// its archive.
type largeSource func(b *testing.B, s *upstream.Site, seed string, bytes int64) (dir string, archive int64)

// BenchmarkUnpack fetches, unpacks and prunes large sources, from the command's
// start to its end; packages and tools are installed before. Nothing is
// asserted of the times: machines differ.
func BenchmarkUnpack(b *testing.B) {
	if testing.Short() {
		b.Skip("builds on an engine; run without -short")
	}
	for _, bb := range []struct {
		name, prefix string
		source       largeSource
	}{
		{"freesurfer", "/opt/freesurfer", largeFreeSurfer},
		{"zip", "/opt/ants", largeANTs},
		{"conda", "/opt/tool", largeConda},
	} {
		b.Run(bb.name, func(b *testing.B) { benchUnpack(b, bb.prefix, bb.source) })
	}
}

func benchUnpack(b *testing.B, prefix string, source largeSource) {
	kit.SharedEngine(b)
	s, bytes, round := kit.Site(b), benchBytes(b), 0
	next := func(bytes int64) (dir string, archive int64) {
		round++
		return source(b, s, fmt.Sprint(b.Name(), round, time.Now().UnixNano()), bytes)
	}
	small, _ := next(1e6)
	kit.Built(b, small).OK(b)
	var taken time.Duration
	var dir string
	var archive int64
	for b.Loop() {
		b.StopTimer() // the source is made here
		dir, archive = next(bytes)
		b.StartTimer()
		begin := time.Now()
		kit.Built(b, dir).OK(b)
		taken = time.Since(begin)
	}
	b.StopTimer()
	kept, err := strconv.ParseInt(strings.TrimSpace(kit.Inside(b, dir, "all", "du -sb --apparent-size "+prefix+" | cut -f1")), 10, 64)
	kit.NoError(b, err)
	b.ReportMetric(float64(bytes)/1e6/taken.Seconds(), "MB/s")
	b.ReportMetric(float64(bytes)/1e6, "MB")
	b.ReportMetric(float64(archive)/float64(bytes), "archive/unpacked")
	b.ReportMetric(float64(kept)/float64(bytes), "kept/unpacked")
}

func largeFreeSurfer(b *testing.B, s *upstream.Site, seed string, bytes int64) (dir string, archive int64) {
	address, sum, archive, err := s.PutLarge(standins.FreeSurferPath, upstream.LargeFreeSurfer(standins.FreeSurferStamp, seed, bytes))
	kit.NoError(b, err)
	return kit.Project(b, kit.Components("freesurfer", fmt.Sprintf("version = \"6.0.0\"\nprofile = \"recon-all\"\nsource = { url = %q, sha256 = %q }\n", address, sum))), archive
}

func largeANTs(b *testing.B, s *upstream.Site, seed string, bytes int64) (dir string, archive int64) {
	programs := standins.ANTsFiles("", nil)
	address, sum, archive, err := s.PutLarge(standins.ANTsPath, upstream.LargeZip("ants-2.5.4", seed, programs, bytes))
	kit.NoError(b, err)
	return kit.Project(b, kit.Components("ants", standins.ANTsAt(address, sum))), archive
}

func largeConda(b *testing.B, s *upstream.Site, seed string, bytes int64) (dir string, archive int64) {
	const packages = 4
	var lock strings.Builder
	for i := range packages {
		name := "tool"
		if i > 0 {
			name = fmt.Sprint("tool-data", i)
		}
		p := upstream.CondaPackage{Name: name, Version: "1.0", Build: "h1_0", Subdir: "linux-64", Licence: "MIT",
			Files: map[string]string{"bin/" + name: "#!/bin/sh\necho tool 1.0\n"}}
		line := kit.Must(s.LargeConda(standins.ForgeChannel, seed, p, bytes/packages))(b)
		size, _, _ := strings.Cut(line, "\t")
		archive += kit.Must(strconv.ParseInt(size, 10, 64))(b)
		lock.WriteString(line)
	}
	dir = kit.Project(b, kit.Components("tool", standins.CondaTable("tool")))
	kit.WriteFile(b, filepath.Join(dir, "tool.conda.tsv"), lock.String())
	return dir, archive
}
