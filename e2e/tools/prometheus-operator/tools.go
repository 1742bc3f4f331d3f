//go:build tools

// Package tools names the module whose definitions of kinds are read, so that `go mod tidy` keeps it.
package tools

import _ "github.com/prometheus-operator/prometheus-operator/pkg/versionutil"
