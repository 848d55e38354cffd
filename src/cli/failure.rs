//! How a command says that it failed: a code, the cause, the remedy; on standard error, and as the last line there.

use std::ffi::OsString;
use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;

use clap::error::ErrorKind;

use super::lang::Texts;
use super::out::Out;
use super::paint::{Paint, Style, clean};
use crate::api::{Code, Error};

/// Tells an error and gives its exit status.
pub fn tell(error: &Error, json: bool, texts: Texts, paint: Paint) -> ExitCode {
    let text = if json { error.to_json().to_string() } else { for_people(error, texts, paint) };
    // Nobody may be left to hear it; the exit status says it all the same.
    let _ = writeln!(std::io::stderr(), "{text}");
    ExitCode::from(error.code.exit_status())
}

/// `error (not found): cause`, then the remedy.
fn for_people(error: &Error, texts: Texts, paint: Paint) -> String {
    let head = format!("{} ({})", texts.error(), summary(error.code, texts));
    let mut out = format!("{}: {}", paint.paint(Style::Red, &head), clean(&error.message));
    if !error.remedy.is_empty() {
        out.push_str(&format!("\n  {}: {}", texts.remedy(), clean(&error.remedy)));
    }
    out
}

fn summary(code: Code, texts: Texts) -> &'static str {
    match code {
        Code::Failed => texts.failed(),
        Code::NotRunning => texts.not_running(),
        Code::Usage => texts.usage(),
        Code::NotFound => texts.not_found(),
        Code::Ambiguous => texts.ambiguous(),
        Code::BadInput => texts.bad_input(),
        Code::BadTicket => texts.bad_ticket(),
        Code::Locked => texts.locked(),
        Code::Timeout => texts.timeout(),
        Code::Incomplete => texts.incomplete(),
        Code::NotPermitted => texts.not_permitted(),
        Code::StoreDamaged => texts.store_damaged(),
        Code::StoreNewer => texts.store_newer(),
    }
}

/// What the parser of the command line stopped at: help, the version, or a mistake.
pub fn usage(error: &clap::Error, args: &[OsString]) -> ExitCode {
    let json = args.iter().take_while(|arg| *arg != "--").any(|arg| arg == "--json");
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        let colour =
            std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let text = error.render();
        let mut out = Out::new(Box::new(std::io::stdout()));
        out.text(&if colour { text.ansi().to_string() } else { text.to_string() });
        return if out.finish().is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    let text =
        if json { as_error(error).to_json().to_string() } else { error.render().to_string().trim_end().to_owned() };
    let _ = writeln!(std::io::stderr(), "{text}");
    ExitCode::from(Code::Usage.exit_status())
}

/// A parser's complaint as our own error, on one line.
fn as_error(error: &clap::Error) -> Error {
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        return Error::new(Code::Usage, "a command is missing", "`studymesh --help` lists them");
    }
    let text = error.render().to_string();
    let one_line = |part: &str| part.split_whitespace().collect::<Vec<_>>().join(" ");
    let cause = text.split("\n\n").next().unwrap_or_default();
    let cause = one_line(cause.strip_prefix("error: ").unwrap_or(cause));
    let tip = text.lines().map(str::trim).find_map(|line| line.strip_prefix("tip: ")).map(one_line);
    let usage =
        text.lines().find_map(|line| line.strip_prefix("Usage: ")).map(|usage| format!("usage: {}", one_line(usage)));
    let remedy = [tip, usage].into_iter().flatten().collect::<Vec<_>>().join("; ");
    let remedy = if remedy.is_empty() { "`studymesh --help` lists the commands".to_owned() } else { remedy };
    Error::new(Code::Usage, cause, remedy)
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::args::Cli;
    use crate::model::roadmap::Lang;

    fn complaint(line: &str) -> Error {
        as_error(&Cli::try_parse_from(line.split(' ')).unwrap_err())
    }

    #[test]
    fn a_usage_error_is_one_json_line_with_cause_and_remedy() {
        for line in [
            "s note frobnicate --json",
            "s note new --json",
            "s progress set docker finished --json",
            "s group --json",
            "s",
        ] {
            let error = complaint(line);
            let text = error.to_json().to_string();
            assert_eq!(error.code.exit_status(), 2);
            assert!(!text.contains('\n') && !error.message.is_empty() && !error.remedy.is_empty(), "{line}: {text}");
            let back: serde_json::Value = serde_json::from_str(&text).unwrap();
            assert_eq!((&back["v"], &back["error"]["code"]), (&1.into(), &"usage".into()));
        }
        assert_eq!(complaint("s note frobnicate").message, "unrecognized subcommand 'frobnicate'");
        assert!(complaint("s note new").message.contains("--title"), "{:?}", complaint("s note new"));
        assert!(complaint("s note lst").remedy.contains("'list'"), "{:?}", complaint("s note lst"));
    }

    #[test]
    fn people_read_a_summary_in_their_language_and_the_cause_made_safe() {
        let error = Error::new(Code::NotFound, "no note \x1b[2J", "list them");
        let off = Paint { on: false };
        assert_eq!(
            for_people(&error, Texts::new(Lang::Zh), off),
            "错误 (没有找到): no note \u{fffd}[2J\n  办法: list them"
        );
        assert!(for_people(&error, Texts::new(Lang::En), off).starts_with("error (not found): "));
    }
}
