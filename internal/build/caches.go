package build

import (
	"cmp"
	"fmt"
	"maps"

	"github.com/medbuild/medbuild/internal/problem"

	"github.com/medbuild/medbuild/internal/fields"

	"github.com/moby/buildkit/client"
)

// ParseCaches reads "type=registry,ref=registry.example.org/cache,mode=max"; a
// lone reference is a registry's. The GitHub cache takes its address from the
// environment, as its own actions do.
func ParseCaches(flag string, values []string, getenv func(string) string) ([]client.CacheOptionsEntry, error) {
	var out []client.CacheOptionsEntry
	for _, v := range values {
		attrs, err := fields.Parse(flag, v, "ref")
		if err != nil {
			return nil, err
		}
		e := client.CacheOptionsEntry{Type: cmp.Or(attrs["type"], "registry"), Attrs: attrs}
		delete(attrs, "type")
		if e.Type == "gha" {
			maps.Copy(attrs, map[string]string{"url": getenv("ACTIONS_CACHE_URL"), "token": getenv("ACTIONS_RUNTIME_TOKEN")})
		}
		if err := checkCache(flag, e); err != nil {
			return nil, err
		}
		if flag == "--cache-to" && (e.Type == "registry" || e.Type == "local") {
			attrs["compression"] = cmp.Or(attrs["compression"], "zstd") // as the image has: one blob serves both
		}
		out = append(out, e)
	}
	return out, nil
}

// cacheNeeds is the attribute that a cache of each type cannot do without.
var cacheNeeds = map[string]string{"registry": "ref", "local": "", "inline": "", "gha": "", "s3": "bucket", "azblob": "name"}

func checkCache(flag string, e client.CacheOptionsEntry) error {
	need, known := cacheNeeds[e.Type]
	switch {
	case !known:
		return problem.Usagef("%s: type %q is unknown", flag, e.Type).Hint("types are registry, local, inline, gha, s3 and azblob")
	case need != "" && e.Attrs[need] == "":
		return fmt.Errorf("%s: type %s needs %s", flag, e.Type, need)
	case e.Type == "local" && e.Attrs["src"]+e.Attrs["dest"] == "":
		return problem.Usagef("%s: type local needs a folder", flag).Hint("src=PATH to read, dest=PATH to write")
	}
	return nil
}
