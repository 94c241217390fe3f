package build

import (
	"encoding/csv"
	"fmt"
	"maps"
	"os"
	"strings"

	"github.com/moby/buildkit/client"
)

// fields reads "key=value,key=value". A lone word is the value of first.
func fields(flag, s, first string) (map[string]string, error) {
	parts, err := csv.NewReader(strings.NewReader(s)).Read()
	if err != nil {
		return nil, fmt.Errorf("%s %q: %w", flag, s, err)
	}
	if len(parts) == 1 && !strings.Contains(parts[0], "=") && first != "" {
		return map[string]string{first: parts[0]}, nil
	}
	out := map[string]string{}
	for _, p := range parts {
		k, v, ok := strings.Cut(p, "=")
		if !ok || k == "" {
			return nil, fmt.Errorf("%s: %q is not key=value", flag, p)
		}
		out[strings.ToLower(k)] = v
	}
	return out, nil
}

// ParseCaches reads "type=registry,ref=registry.example.org/cache,mode=max"; a
// lone reference is a registry's. The GitHub cache takes its address from the
// environment, as its own actions do.
func ParseCaches(flag string, values []string, getenv func(string) string) ([]client.CacheOptionsEntry, error) {
	var out []client.CacheOptionsEntry
	for _, v := range values {
		attrs, err := fields(flag, v, "ref")
		if err != nil {
			return nil, err
		}
		e := client.CacheOptionsEntry{Type: or(attrs["type"], "registry"), Attrs: attrs}
		delete(attrs, "type")
		if e.Type == "gha" {
			maps.Copy(attrs, map[string]string{"url": getenv("ACTIONS_CACHE_URL"), "token": getenv("ACTIONS_RUNTIME_TOKEN")})
		}
		if err := checkCache(flag, e); err != nil {
			return nil, err
		}
		if flag == "--cache-to" && (e.Type == "registry" || e.Type == "local") {
			attrs["compression"] = or(attrs["compression"], "zstd") // as the image has: one blob serves both
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
		return fmt.Errorf("%s: type %q is unknown\nhint: types are registry, local, inline, gha, s3 and azblob", flag, e.Type)
	case need != "" && e.Attrs[need] == "":
		return fmt.Errorf("%s: type %s needs %s", flag, e.Type, need)
	case e.Type == "local" && e.Attrs["src"]+e.Attrs["dest"] == "":
		return fmt.Errorf("%s: type local needs a folder\nhint: src=PATH to read, dest=PATH to write", flag)
	}
	return nil
}

// ParseSecrets reads "id=token,src=path" and "id=token,env=NAME"; with an id
// alone the value is that of the variable of the same name. The result is the
// secrets' values by id.
func ParseSecrets(values []string, getenv func(string) string) (map[string][]byte, error) {
	out := map[string][]byte{}
	for _, v := range values {
		attrs, err := fields("--secret", v, "id")
		if err != nil {
			return nil, err
		}
		if attrs["id"] == "" {
			return nil, fmt.Errorf("--secret: %q has no id\nhint: id=<name>,src=<path>", v)
		}
		if out[attrs["id"]], err = secret(attrs, getenv); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func secret(attrs map[string]string, getenv func(string) string) ([]byte, error) {
	if path := or(attrs["src"], attrs["source"]); path != "" {
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("--secret %s: %w", attrs["id"], err)
		}
		return data, nil
	}
	name := or(attrs["env"], attrs["id"])
	if value := getenv(name); value != "" {
		return []byte(value), nil
	}
	return nil, fmt.Errorf("--secret %s: the variable %s is not set\nhint: or name a file, id=%s,src=<path>", attrs["id"], name, attrs["id"])
}
