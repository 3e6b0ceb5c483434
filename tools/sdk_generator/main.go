// SPDX-License-Identifier: Apache-2.0

// Writes the SDK of a package: `sdk-generator LANGUAGE FOLDER LOADER` reads the package's schema as
// JSON from stdin; LOADER is the address of the engine's schema loader. It stands in for the language hosts of the official archive beside a CLI that was built
// from Go modules: the code that generates comes from the CLI's own module.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"

	golang "github.com/pulumi/pulumi/pkg/v3/codegen/go"
	"github.com/pulumi/pulumi/pkg/v3/codegen/nodejs"
	"github.com/pulumi/pulumi/pkg/v3/codegen/python"
	"github.com/pulumi/pulumi/pkg/v3/codegen/schema"
)

const tool = "pulumi-language"

func main() {
	if len(os.Args) != 4 {
		fail(fmt.Errorf("usage: sdk-generator python|nodejs|go FOLDER LOADER < schema.json"))
	}
	files, err := generate(os.Args[1], os.Args[3])
	if err != nil {
		fail(err)
	}
	for name, content := range files {
		path := filepath.Join(os.Args[2], name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			fail(err)
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			fail(err)
		}
	}
}

func generate(language, target string) (map[string][]byte, error) {
	content, err := io.ReadAll(os.Stdin)
	if err != nil {
		return nil, err
	}
	var spec schema.PackageSpec
	if err := json.Unmarshal(content, &spec); err != nil {
		return nil, err
	}
	loader, err := schema.NewLoaderClient(target)
	if err != nil {
		return nil, err
	}
	defer loader.Close()
	bound, problems, err := schema.BindSpec(spec, loader, schema.ValidationOptions{})
	if err != nil {
		return nil, err
	}
	if problems.HasErrors() {
		return nil, problems
	}
	switch language {
	case "python":
		return python.GeneratePackage(tool, bound, nil, loader)
	case "nodejs":
		return nodejs.GeneratePackage(tool, bound, nil, nil, false, loader)
	case "go":
		return golang.GeneratePackage(tool, bound, nil)
	}
	return nil, fmt.Errorf("no SDK for %s: python, nodejs and go are known", language)
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
