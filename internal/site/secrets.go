package site

import (
	"cmp"
	"fmt"

	"github.com/medbuild/medbuild/internal/fields"
	"github.com/medbuild/medbuild/internal/files"
	"github.com/medbuild/medbuild/internal/problem"
)

// ParseSecrets reads "id=token,src=path" and "id=token,env=NAME"; with an id
// alone the value is that of the variable of the same name. The result is the
// secrets' values by id.
func ParseSecrets(values []string, getenv func(string) string) (map[string][]byte, error) {
	out := map[string][]byte{}
	for _, v := range values {
		attrs, err := fields.Parse("--secret", v, "id")
		if err != nil {
			return nil, err
		}
		if attrs["id"] == "" {
			return nil, problem.Usagef("--secret: %q has no id", v).Hint("id=<name>,src=<path>")
		}
		if out[attrs["id"]], err = secret(attrs, getenv); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func secret(attrs map[string]string, getenv func(string) string) ([]byte, error) {
	if path := cmp.Or(attrs["src"], attrs["source"]); path != "" {
		data, err := files.Read(path, maxSecret)
		if err != nil {
			return nil, fmt.Errorf("--secret %s: %w", attrs["id"], err)
		}
		return data, nil
	}
	name := cmp.Or(attrs["env"], attrs["id"])
	if value := getenv(name); value != "" {
		return []byte(value), nil
	}
	return nil, problem.Usagef("--secret %s: the variable %s is not set", attrs["id"], name).Hint("or name a file, id=%s,src=<path>", attrs["id"])
}
