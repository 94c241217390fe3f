package engine

// defaultDockerHost is where Docker listens unless told otherwise.
const defaultDockerHost = "npipe:////./pipe/docker_engine"
