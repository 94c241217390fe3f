package build

import (
	"strconv"

	"github.com/moby/buildkit/client"
)

// variables is where attributes of caches come from that are not stated. BuildKit
// reads those of S3 and Azure from the environment of its daemon, which on
// another machine is not the user's.
var variables = map[string]map[string]string{
	"gha": {"token": "ACTIONS_RUNTIME_TOKEN"},
	"s3":  {"bucket": "AWS_BUCKET", "region": "AWS_REGION"},
	"azblob": {"account_url": "BUILDKIT_AZURE_STORAGE_ACCOUNT_URL", "account_name": "BUILDKIT_AZURE_STORAGE_ACCOUNT_NAME",
		"container": "BUILDKIT_AZURE_STORAGE_CONTAINER", "prefix": "BUILDKIT_AZURE_STORAGE_PREFIX"},
}

// fromEnvironment gives a cache the attributes that the environment has for it.
func fromEnvironment(e client.CacheOptionsEntry, getenv func(string) string) {
	for attr, variable := range variables[e.Type] {
		fill(e.Attrs, attr, getenv(variable))
	}
	switch e.Type {
	case "gha":
		githubService(e.Attrs, getenv)
	case "s3":
		awsKeys(e.Attrs, getenv)
	}
}

// fill gives an attribute that is not stated a value. An empty one it leaves out:
// BuildKit takes the attribute for stated then.
func fill(attrs map[string]string, attr, value string) {
	if attrs[attr] == "" && value != "" {
		attrs[attr] = value
	}
}

// awsKeys takes the user's keys whole or not at all: one of them beside a stated
// one would belong to somebody else.
func awsKeys(attrs map[string]string, getenv func(string) string) {
	if attrs["access_key_id"]+attrs["secret_access_key"] != "" || getenv("AWS_ACCESS_KEY_ID") == "" {
		return
	}
	fill(attrs, "access_key_id", getenv("AWS_ACCESS_KEY_ID"))
	fill(attrs, "secret_access_key", getenv("AWS_SECRET_ACCESS_KEY"))
	fill(attrs, "session_token", getenv("AWS_SESSION_TOKEN"))
}

// githubService takes the address of GitHub's cache service from the environment
// of a runner. BuildKit prefers url_v2, that of the service's second version,
// unless version=1 (cache/remotecache/gha, getConfig). A stated address therefore
// keeps the runner's out. A runner with both addresses means the second one where
// it says so: a GitHub Enterprise Server may give the address without having the
// service. The first one stays beside it for engines that know no other.
func githubService(attrs map[string]string, getenv func(string) string) {
	if attrs["url"]+attrs["url_v2"] != "" {
		return
	}
	if attrs["version"] != "2" {
		fill(attrs, "url", getenv("ACTIONS_CACHE_URL"))
	}
	said, _ := strconv.ParseBool(getenv("ACTIONS_CACHE_SERVICE_V2"))
	if attrs["version"] != "1" && (said || attrs["url"] == "") {
		fill(attrs, "url_v2", getenv("ACTIONS_RESULTS_URL"))
	}
}
