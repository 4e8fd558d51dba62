//! The `relive` command without Python: to get at the changes of a program that does not start any more.

use std::process::ExitCode;

use relive_cli::WithoutPython;

fn main() -> ExitCode {
    let arguments = std::env::args_os().collect();
    match relive_cli::main(arguments, &mut WithoutPython) {
        Ok(code) => ExitCode::from(code),
        Err(never) => match never {},
    }
}
