// Command stele is the officials' command: it makes a registry, registers documents, publishes
// signed checkpoints and checks documents. One file a command; `stele help` lists them.
//
// Exit codes: 0 done, for verify that the document is authentic, for receipt that one was written, whatever it
// proves, for monitor that all is well; 1 it failed, or verify reached another verdict, publish has refused a statement,
// approve has refused to sign, or monitor raises an alarm; 2 the command line is wrong, or verify, receipt, approve or
// monitor could decide nothing.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"stele/build/keys"
	lists "stele/build/list"
	"stele/build/push"
	"stele/build/registry"
	"stele/build/verifier"
	"stele/proofs"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second interrupt ends it at once, wherever it is
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// A command is one of stele's commands.
type command struct {
	name string
	args string // as usage shows them
	help string // one line
	run  func(*cli) error
}

func commands() []command {
	return []command{
		{"demo", "[--dir D] [--addr A] [--once]", "make and serve a complete registry with sample documents", runDemo},
		{"init", "[--origin NAME] [--title TEXT]", "make a registry and its keys", runInit},
		{"accredit", "AUTHORITY [--title TEXT] [--kind WORD]… [--key VKEY | --new-key]", "let an authority issue kinds of documents, and change its keys", runAccredit},
		{"withdraw", "AUTHORITY [--from PLACE|DATE|start] [--reason TEXT]", "end what an authority may say", runWithdraw},
		{"issuers", "", "list the authorities, what each may issue, and its keys", runIssuers},
		{"key", "NAME [--role ROLE] [--keys DIR]", "make a key on its holder's own machine: an authority's, an officer's, a witness's, a root key", runKey},
		{"keys", "[--keys DIR] [--policy TRUST]", "list the keys in a folder, and which of them count; change its passphrase", runKeys},
		{"trust", "[change … | sign FILE | cancel]", "tell who may sign what; prepare the next trust file, or take it back", runTrust},
		{"sign", "FILE… [--keys DIR --policy TRUST]", "sign what several holders of root keys say together, or hand it in", runSign},
		{"digest", "FILE… [-o LIST]", "make a list of documents by their digests, to be registered without them", runDigest},
		{"register", "FILE… [--kind WORD] [--issuer AUTHORITY]", "register documents, folders of them, or a list: --from LIST", runRegister},
		{"revoke", "DOC… [--reason TEXT] [--issuer AUTHORITY | --root]", "take documents back, for good; a DOC is a file, a receipt or a digest", runRevoke},
		{"suspend", "DOC… [--reason TEXT] [--issuer AUTHORITY | --root]", "put documents on hold", runSuspend},
		{"restore", "DOC… [--reason TEXT] [--issuer AUTHORITY | --root]", "end the suspension of documents", runRestore},
		{"supersede", "OLD NEW [--reason TEXT]", "replace a document by another that is registered already", runSupersede},
		{"link", "DOC… --relation WORD [--target DOC] [--reason TEXT]", "tell something more about documents: an amendment, custody, a translation", runLink},
		{"publish", "[--approval FILE]… [--anew] [--to URL]…", "take what is registered into the ledger; propose it to the officers, or sign and write it", runPublish},
		{"approve", "--portal URL --policy TRUST --keys DIR", "look at what is proposed, on an officer's own machine, and approve it", runApprove},
		{"receipt", "FILE [-o FILE]", "write a receipt that proves a document's status offline", runReceipt},
		{"verify", "FILE [--receipt R] [--policy P] [--portal URL|DIR]", "check a document", runVerify},
		{"serve", "[--addr A] [--publish-every D [--to URL]…] | --edge DIR [--store S]", "serve what is published, take statements, publish on a schedule; or serve a deployment", runServe},
		{"deploy", "-o DIR [--local [--addr A]]", "make the folder that brings what is published to Cloudflare Workers, or try it here", runDeploy},
		{"submit", "ACTION FILE… --to URL --keys DIR --policy TRUST", "register, revoke… documents in a registry elsewhere: sign here, send, fetch receipts", runSubmit},
		{"witness", "--dir DIR [--init --name NAME] [--addr A]", "cosign what other ledgers publish, so that they can only grow", runWitness},
		{"monitor", "--portal URL --policy TRUST --state DIR [--once]", "watch a registry from outside, and raise the alarm", runMonitor},
		{"audit", "[--portal URL|DIR] [--policy P]", "rebuild the index from the ledger and compare", runAudit},
		{"mirror", "--portal URL|DIR --policy TRUST --dir DIR [--once] [--addr A]", "keep a verified copy of a registry that can be served as a portal of its own", runMirror},
		{"verify-evidence", "FILE [--policy P]", "check a file that proves a ledger inconsistent", runVerifyEvidence},
		{"npm", "-o DIR", "make the npm package that lets others' pages and programs check documents", runNPM},
		{"release", "-o FILE", "compile a binary that carries the portal and its verifier", runRelease},
	}
}

// cli is one run of the command.
type cli struct {
	ctx    context.Context
	cmd    command
	args   []string
	stdin  io.Reader
	stdout io.Writer
	stderr io.Writer

	registryDir string
	json        bool
	chosen      []byte // a new passphrase
	bar         *progress
	already     int // files that were told to be registered already
}

// An exit ends the command with a code and says nothing more.
type exit int

func (e exit) Error() string { return fmt.Sprintf("exit %d", int(e)) }

// A usageError is a wrong command line.
type usageError struct {
	err  error
	hint string
}

func (e *usageError) Error() string { return e.err.Error() }

func usage(hint, format string, args ...any) error {
	return &usageError{fmt.Errorf(format, args...), hint}
}

func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	c := &cli{ctx: ctx, stdin: stdin, stdout: stdout, stderr: stderr, bar: newProgress(stderr)}
	if len(args) > 1 && args[0] == "help" {
		args = []string{args[1], "--help"}
	}
	if len(args) == 0 || args[0] == "help" || args[0] == "-h" || args[0] == "--help" {
		c.help()
		if len(args) == 0 {
			return 2
		}
		return 0
	}
	for _, cmd := range commands() {
		if cmd.name == args[0] {
			c.cmd, c.args = cmd, args[1:]
			return c.exitCode(cmd.run(c))
		}
	}
	c.json = wantsJSON(args)
	return c.exitCode(unknownCommand(args))
}

// unknownCommand names the command that was probably meant.
func unknownCommand(args []string) error {
	var names []string
	for _, cmd := range commands() {
		names = append(names, cmd.name)
	}
	if strings.HasPrefix(args[0], "-") {
		return commandLast(args, names)
	}
	name, rest := args[0], ""
	if len(args) > 1 {
		rest = " " + join(args[1:])
	}
	if meant, ok := nearest(name, names); ok {
		return usage("stele "+meant+rest, "unknown command %s", strconv.Quote(name))
	}
	if exists(name) {
		return usage("stele verify "+join(args), "%s is a file, not a command", strconv.Quote(name))
	}
	return usage("stele help", "unknown command %s", strconv.Quote(name))
}

// commandLast says how to type a command that stands after its flags.
func commandLast(args, names []string) error {
	hint := "stele help"
	if i := slices.IndexFunc(args, func(a string) bool { return slices.Contains(names, a) }); i > 0 {
		hint = "stele " + args[i] + " " + join(slices.Delete(slices.Clone(args), i, i+1))
	}
	return usage(hint, "the command comes first, then its flags: got %s", shown(args[0]))
}

// exitCode tells an error as an official should read it, and turns it into a code.
func (c *cli) exitCode(err error) int {
	var (
		code  exit
		wrong *usageError
	)
	switch {
	case err == nil:
		return 0
	case errors.As(err, &code):
		return int(code)
	case errors.Is(err, context.Canceled) && c.ctx.Err() != nil:
		c.tellError(errors.New("interrupted"), "run the same command again: it goes on from what is done")
	default:
		h := hintFor(err)
		if c.missesPublished(err) {
			h = "stele publish writes it again"
		}
		c.tellError(err, c.inRegistry(h))
	}
	if errors.As(err, &wrong) || c.cmd.name == "verify" || c.cmd.name == "receipt" || c.cmd.name == "monitor" {
		return 2
	}
	return 1
}

// hintFor is what to do about an error, if something is known.
func hintFor(err error) string {
	var (
		wrong   *usageError
		reg     *registry.Error
		key     *keys.Error
		compile *verifier.CompileError
		pushing *push.Error
		whole   *lists.Error
	)
	switch {
	case errors.As(err, &wrong):
		return wrong.hint
	case errors.As(err, &reg):
		return reg.Hint
	case errors.As(err, &pushing):
		return pushing.Hint
	case errors.As(err, &whole):
		return whole.Hint
	case errors.As(err, &key):
		return key.Hint
	case errors.As(err, &compile):
		return "see all of it: cd " + shell(compile.Root) + " && GOOS=js GOARCH=wasm go build -o /dev/null ./wasm; or use a released stele, which carries the verifier: stele help release"
	case errors.Is(err, os.ErrPermission):
		return "look at the owner and the permissions of the path named above"
	case errors.Is(err, syscall.ENOSPC):
		return "make room on the disk and run the command again: nothing published was harmed"
	case errors.Is(err, syscall.ENOTDIR):
		return "name another path: what should be a folder there is a file"
	case errors.Is(err, os.ErrNotExist):
		return "look whether the name is spelt right, and in which folder you are"
	}
	return ""
}

// missesPublished reports whether a file is gone that every publication writes, of a registry that is at hand: mirrors and audits read others' too.
func (c *cli) missesPublished(err error) bool {
	var p *fs.PathError
	if !errors.As(err, &p) || !errors.Is(p, fs.ErrNotExist) || !slices.Contains([]string{"deploy", "publish", "serve"}, c.cmd.name) {
		return false
	}
	return strings.HasSuffix(p.Path, "/"+proofs.HeadPath) || strings.HasSuffix(p.Path, "/ledger/checkpoint")
}

func (c *cli) tellError(err error, hint string) {
	text := plain(withoutHint(err))
	c.note("stele: %s", text)
	if hint != "" {
		c.note("hint: %s", hint)
	}
	if c.json {
		c.printJSON(struct {
			Error string `json:"error"`
			Hint  string `json:"hint,omitempty"`
		}{text, hint})
	}
}

// withoutHint is an error without the hint that a key's error brings along in its text.
func withoutHint(err error) error {
	var key *keys.Error
	if errors.As(err, &key) {
		bare := *key
		bare.Hint = ""
		return &bare
	}
	return err
}

func (c *cli) help() {
	fmt.Fprintf(c.stdout, "stele: a public registry of documents that a state can stand on\n\n")
	for _, cmd := range commands() {
		fmt.Fprintf(c.stdout, "  %s\n", strings.TrimSpace(fmt.Sprintf("stele %-9s %s", cmd.name, cmd.args)))
		fmt.Fprintf(c.stdout, "  %15s %s\n", "", cmd.help)
	}
	fmt.Fprintf(c.stdout, "\nEvery command takes --json, and what works on a registry --registry DIR (default: the current directory).\n"+
		"stele help COMMAND tells what else it takes. After -- everything is a file's name, even what begins with a hyphen.\n\n"+
		"The passphrase of a registry's keys is asked for, or read from the file named by STELE_PASSPHRASE_FILE, or\n"+
		"from STELE_PASSPHRASE. The PIN of a PKCS#11 token is asked for, or read from the file named by STELE_PIN_FILE.\n\n"+
		"Exit codes: 0 done, and for verify: the document is authentic; 1 it failed, or verify reached another verdict,\n"+
		"publish has refused a statement, approve has refused to sign, or monitor raises an alarm; 2 the command line is\n"+
		"wrong, or verify, receipt, approve or monitor could decide nothing.\n"+
		"A receipt may prove bad news: that it was written is 0, and says nothing of the document.\n")
}
