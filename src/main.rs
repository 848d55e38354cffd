//! The program; see [`studymesh::cli`].

fn main() -> std::process::ExitCode {
    studymesh::cli::main()
}
