//! The command line, one file per noun. Doc comments are what `--help` prints.

pub mod backup;
pub mod bundle;
pub mod config;
pub mod device;
pub mod files;
pub mod group;
pub mod link;
pub mod member;
pub mod net;
pub mod note;
pub mod progress;
pub mod roadmap;
pub mod tags;
pub mod value;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// A study group without a server: roadmaps, notes and links, shared by peers, offline first.
#[derive(Debug, Parser)]
#[command(
    name = "studymesh",
    version,
    long_version = crate::cli::version::LONG.as_str(),
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "Ids may be given in full, by a unique beginning, or by title or name.\n\
                  Exit status: 0 ok, 1 failed, 2 usage, 3 not found or ambiguous, 4 bad input or ticket, 5 locked,\n\
                  6 timeout or incomplete, 7 not permitted, 8 store damaged or newer. docs/cli.md has the whole contract."
)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub verb: Verb,
}

/// Options that every command takes.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// The group: id, beginning of one, or name [default: the only one]
    #[arg(short, long, global = true, value_name = "GROUP")]
    pub group: Option<String>,
    /// The node's directory [env: STUDYMESH_HOME]
    #[arg(long, global = true, value_name = "DIR")]
    pub home: Option<PathBuf>,
    /// Print JSON: one object, or one per line where a command streams
    #[arg(long, global = true)]
    pub json: bool,
    /// A file with the passphrase in its first line; - is standard input [env: STUDYMESH_PASSPHRASE has the passphrase]
    #[arg(long, global = true, value_name = "FILE", overrides_with = "passphrase_file")]
    pub passphrase_file: Option<PathBuf>,
    /// Never ask, never open an editor
    #[arg(long, global = true)]
    pub no_input: bool,
    /// The language of what people read
    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t,
        value_name = "LANG",
        hide_possible_values = true,
        help = "The language: en, zh, or auto (LC_ALL, LC_MESSAGES, LANG) [default: auto]",
        hide_default_value = true
    )]
    pub lang: LangChoice,
    /// Colour: auto (a terminal without NO_COLOR), always, never
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN", hide_possible_values = true)]
    pub color: ColorChoice,
    /// Log more to stderr (-vv: still more)
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Say nothing but data and errors
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Write the log as JSON lines
    #[arg(long, global = true)]
    pub log_json: bool,
}

/// Which language is spoken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum LangChoice {
    /// As the environment says.
    #[default]
    Auto,
    /// English.
    En,
    /// Chinese.
    Zh,
}

/// When colour is used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum ColorChoice {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Run the node until Ctrl-C, SIGTERM or `stop`
    Up(net::Up),
    /// Say how the node and its groups are
    Status,
    /// Stop the running node
    Stop,
    /// Print an address that opens the web page, good for one use within ten minutes
    Web,
    /// Look for the usual troubles and name their remedies
    Doctor,
    /// Show your name, or set it here and in all groups
    Name(net::Name),

    /// Found, list, show, rename or leave study groups
    #[command(subcommand)]
    Group(group::Group),
    /// Make a ticket that lets others join the group
    Invite(group::Invite),
    /// Join a group by its ticket
    Join(group::Join),
    /// See who belongs, give roles, remove, mute
    #[command(subcommand)]
    Member(member::Member),
    /// See who asks to be let in, accept or refuse
    Requests {
        #[command(subcommand)]
        what: Option<member::Requests>,
    },
    /// Always-on nodes that store and serve without reading
    #[command(subcommand)]
    Keeper(member::Keeper),
    /// Use several devices as one person: link, list, name, remove them
    #[command(subcommand)]
    Device(device::Device),
    /// Look into a ticket
    #[command(subcommand)]
    Ticket(group::Ticket),

    /// Write, edit, list and restore notes
    #[command(subcommand)]
    Note(note::Note),
    /// Collect links, vote for them, mark them read
    #[command(subcommand)]
    Link(link::Link),
    /// See and edit what the group studies
    #[command(subcommand)]
    Roadmap(roadmap::Roadmap),
    /// Say how far you are, see how far others are
    #[command(subcommand)]
    Progress(progress::Progress),
    /// Search notes, links and topics, in all groups unless -g names one
    Search(net::Search),

    /// List peers
    Peers(net::Peers),
    /// Measure the round trip to a peer
    Ping(net::Ping),
    /// See what is held and what is missing, or wait until nothing is
    #[command(subcommand)]
    Sync(net::Sync),
    /// Compare, rebuild or check the store
    #[command(subcommand)]
    Db(net::Db),
    /// List what happened, or follow what happens
    Events(net::Events),

    /// Write the group to Markdown files, or as one JSON object
    Export(files::Export),
    /// Turn Markdown files into notes; exported files that changed become edits
    Import(files::Import),
    /// Carry entries by hand, on a stick for instance, where no network goes
    #[command(subcommand)]
    Bundle(bundle::Bundle),
    /// Keep the node in one sealed file, and bring it back
    #[command(subcommand)]
    Backup(backup::Backup),
    /// Carry the network key to another machine, or protect it by a passphrase
    #[command(subcommand)]
    Key(backup::Key),

    /// Show or change the settings
    #[command(subcommand)]
    Config(config::Config),
    /// Print a completion script for a shell
    Completions(config::Completions),
    /// Print the manual page, or write all of them
    Man(config::Man),
    /// Show three nodes at work on this machine
    Demo(config::Demo),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    fn parse(line: &str) -> Cli {
        let args = tags::signs_to_options(line.split_whitespace().map(Into::into).collect());
        Cli::try_parse_from(args).unwrap_or_else(|error| panic!("{line}: {error}"))
    }

    fn usage_error(line: &str) -> String {
        let args = tags::signs_to_options(line.split_whitespace().map(Into::into).collect());
        let error = Cli::try_parse_from(args).map(|cli| panic!("{line} was taken: {cli:?}")).unwrap_err();
        assert_eq!(error.exit_code(), 2, "{line}");
        error.to_string()
    }

    #[test]
    fn the_command_tree_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn global_options_stand_before_or_behind_the_command() {
        let cli = parse("studymesh -g go --home /tmp/x note list --json --lang zh --color never --no-input -vv");
        assert_eq!((cli.global.group.as_deref(), cli.global.json, cli.global.verbose), (Some("go"), true, 2));
        assert_eq!(
            (cli.global.lang, cli.global.color, cli.global.no_input),
            (LangChoice::Zh, ColorChoice::Never, true)
        );
        usage_error("studymesh status -v -q");
        usage_error("studymesh --lang fr status");
    }

    #[test]
    fn every_command_of_the_contract_is_taken() {
        for line in [
            "up --json --listen /ip4/127.0.0.1/tcp/0 --listen /ip6/::1/tcp/0 --bootstrap /ip4/1.2.3.4/tcp/1/p2p/x --no-mdns --name Ada",
            "status",
            "stop",
            "web",
            "up --web 127.0.0.1:8080",
            "up --web off",
            "doctor",
            "name",
            "name Ada",
            "group create N --open",
            "group create N --closed --roadmap cloud-native-path",
            "group list",
            "group show",
            "group rename N",
            "group leave --yes",
            "group leave --yes --force",
            "sync only-here",
            "invite",
            "invite -g G --expires 24 --no-addresses",
            "invite --expires never",
            "invite --role reader --uses 3 --approve",
            "invite --uses unlimited",
            "invite --uses 0",
            "invite list",
            "invite -g G --json list",
            "invite revoke ab12",
            "group create N",
            "member add Bo",
            "member remove Bo -y",
            "member mute Bo",
            "member list",
            "member add Bo --role reader",
            "member remove Bo --yes",
            "member role Bo admin",
            "member role Bo owner",
            "member mute Bo --undo",
            "requests",
            "requests -g G --json",
            "requests list",
            "requests accept Bo --role keeper",
            "requests accept Bo",
            "requests refuse Bo",
            "keeper add --expires 3 --uses 2 --no-addresses",
            "keeper add --expires never",
            "keeper list",
            "keeper remove K --yes",
            "device link --timeout 60",
            "device join 4821-7093-5518 --at /ip4/1.2.3.4/tcp/1",
            "device list",
            "device rename phone",
            "device rename phone --device abcdef",
            "device remove phone --yes",
            "group quarantine",
            "group quarantine list",
            "group limits",
            "group hide N",
            "group quarantine admit ab12 cd34",
            "group quarantine admit --all",
            "group rotate",
            "group hide N --undo",
            "group limits --entries 100 --bytes 5000",
            "up --role keeper",
            "join T",
            "join - --wait 60",
            "ticket inspect T",
            "note new --title T --file -",
            "note new --title T --text x --topic docker --tag a --tag b",
            "note edit I --file F",
            "note edit I --tag +a --tag -b --add-tag c --remove-tag d --title T --topic x",
            "note show I",
            "note show I --version 2",
            "note list --topic t --tag x --deleted",
            "note history I",
            "note restore I --version 1",
            "note restore I",
            "note delete I",
            "link add https://example.org --title T --tag a --topic t",
            "link list --unread",
            "link tag L +x -y",
            "link tag L --add x --remove y",
            "link edit L --title T",
            "link vote L --undo",
            "link read L",
            "link remove L --undo",
            "roadmap list",
            "roadmap show r",
            "roadmap add r",
            "roadmap import f.md",
            "roadmap edit r --file f",
            "roadmap edit r --remove t --rename a=B",
            "roadmap export r --format outline-zh",
            "roadmap remove r",
            "progress set docker done --evidence https://x.org --minutes 5 --note text",
            "progress show",
            "progress show Bo",
            "progress group",
            "progress history docker --person Bo",
            "progress import f.json",
            "search 云原生 docker --limit 5",
            "peers --all",
            "ping Bo --timeout 3",
            "sync status -g G",
            "sync wait -g G --peers 2 --fingerprint ab --timeout 60",
            "sync wait",
            "db digest -g G",
            "db rebuild",
            "db check",
            "events --follow --since 3",
            "events",
            "export --out d",
            "export",
            "import a.md b",
            "bundle export f -g G",
            "bundle export f --all --force",
            "bundle export f --have h",
            "bundle have h --force",
            "bundle import f",
            "backup create f",
            "backup create f --keys-only --force --passphrase-file w",
            "backup restore f --home d --keep-peer-id",
            "backup inspect f",
            "key export f --force",
            "key import f --passphrase-file -",
            "key passphrase show",
            "key passphrase set --new-passphrase-file w",
            "key passphrase remove",
            "up --passphrase-file a --passphrase-file -",
            "config show",
            "config set name Ada",
            "config set listen /ip4/0.0.0.0/tcp/1 /ip6/::/tcp/1",
            "config path",
            "completions bash",
            "man --out d",
            "demo --once --json",
        ] {
            parse(&format!("studymesh {line}"));
        }
    }

    #[test]
    fn what_makes_no_sense_is_a_usage_error() {
        for line in [
            "note frobnicate",
            "note new",
            "note new --title T --file F --text x",
            "group create N --open --closed",
            "bundle export",
            "backup",
            "backup create",
            "backup create f --passphrase words",
            "key passphrase",
            "key import",
            "bundle export f --all --have h",
            "roadmap edit r",
            "roadmap edit r --rename nothing",
            "progress set docker finished",
            "progress set docker done --minutes -1",
            "invite --expires soon",
            "invite --expires 0",
            "invite --role boss",
            "invite --uses many",
            "group quarantine admit",
            "group quarantine admit ab12 --all",
            "group limits --entries -1",
            "group limits --bytes much",
            "group hide",
            "member",
            "member role Bo",
            "member role Bo boss",
            "member remove",
            "invite --uses -1",
            "invite revoke",
            "requests accept",
            "requests accept Bo --role boss",
            "requests refuse",
            "keeper",
            "keeper remove",
            "keeper add --role admin",
            "keeper add --expires 0",
            "device join",
            "device link --timeout soon",
            "device remove",
            "join T --wait never",
            "search",
            "search x --limit 0",
            "search x --limit 201",
            "events --follow --limit 3",
            "completions tcsh",
            "link tag L",
            "link edit L",
            "config set nick x",
            "config set name",
            "sync wait --timeout -1",
            "note edit I --tag x",
            "import",
        ] {
            usage_error(&format!("studymesh {line}"));
        }
    }
}
