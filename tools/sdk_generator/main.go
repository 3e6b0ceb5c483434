// SPDX-License-Identifier: Apache-2.0

// Generates code, in place of the language hosts of the official archive beside a CLI that was built
// from Go modules: the code that generates comes from the CLI's own module. LOADER is the address of
// the engine's schema loader.
//
//	sdk-generator LANGUAGE FOLDER LOADER   writes the SDK of the package whose schema is on stdin
//	sdk-generator LANGUAGE - LOADER        prints a program: PCL on stdin, both JSON of name to text
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/hashicorp/hcl/v2"
	golang "github.com/pulumi/pulumi/pkg/v3/codegen/go"
	"github.com/pulumi/pulumi/pkg/v3/codegen/hcl2/syntax"
	"github.com/pulumi/pulumi/pkg/v3/codegen/nodejs"
	"github.com/pulumi/pulumi/pkg/v3/codegen/pcl"
	"github.com/pulumi/pulumi/pkg/v3/codegen/python"
	"github.com/pulumi/pulumi/pkg/v3/codegen/schema"
)

const tool = "pulumi-language"

func main() {
	if len(os.Args) != 4 {
		fail(fmt.Errorf("usage: sdk-generator python|nodejs|go FOLDER|- LOADER < INPUT"))
	}
	language, folder, target := os.Args[1], os.Args[2], os.Args[3]
	input, err := io.ReadAll(os.Stdin)
	if err != nil {
		fail(err)
	}
	loader, err := schema.NewLoaderClient(target)
	if err != nil {
		fail(err)
	}
	defer loader.Close()
	if folder == "-" {
		files, err := generateProgram(language, input, loader)
		if err != nil {
			fail(err)
		}
		print(files)
		return
	}
	files, err := generatePackage(language, input, loader)
	if err != nil {
		fail(err)
	}
	write(folder, files)
}

func generatePackage(language string, input []byte, loader schema.ReferenceLoader) (map[string][]byte, error) {
	var spec schema.PackageSpec
	if err := json.Unmarshal(input, &spec); err != nil {
		return nil, err
	}
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

func generateProgram(language string, input []byte, loader schema.ReferenceLoader) (map[string][]byte, error) {
	var source map[string]string
	if err := json.Unmarshal(input, &source); err != nil {
		return nil, err
	}
	parser := syntax.NewParser()
	for name, text := range source {
		if err := parser.ParseFile(strings.NewReader(text), name); err != nil {
			return nil, err
		}
	}
	if parser.Diagnostics.HasErrors() {
		return nil, parser.Diagnostics
	}
	program, problems, err := pcl.BindProgram(parser.Files, loader, pcl.NonStrictBindOptions()...)
	if err != nil {
		return nil, err
	}
	if problems.HasErrors() {
		return nil, problems
	}
	generators := map[string]func(*pcl.Program) (map[string][]byte, hcl.Diagnostics, error){
		"python": python.GenerateProgram, "nodejs": nodejs.GenerateProgram, "go": golang.GenerateProgram,
	}
	generate, known := generators[language]
	if !known {
		return nil, fmt.Errorf("no programs in %s: python, nodejs and go are known", language)
	}
	files, problems, err := generate(program)
	if err == nil && problems.HasErrors() {
		return nil, problems
	}
	return files, err
}

func write(folder string, files map[string][]byte) {
	for name, content := range files {
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			fail(err)
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			fail(err)
		}
	}
}

func print(files map[string][]byte) {
	texts := map[string]string{}
	for name, content := range files {
		texts[name] = string(content)
	}
	if err := json.NewEncoder(os.Stdout).Encode(texts); err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
