//! The functions a rule may call.

use std::sync::LazyLock;

use vrl::compiler::function::{ArgumentList, Compiled, Example, Function, FunctionCompileContext, Parameter};
use vrl::compiler::state::TypeState;
use vrl::diagnostic::{DiagnosticMessage, Label, Note, Span};

/// Functions that would make the same log give another result tomorrow, or write what they see somewhere.
const REFUSED: [(&str, &str); 11] = [
    ("now", "it reads the clock: use .received_at or the event's own time"),
    ("random_bool", "it is random: derive the value from the event"),
    ("random_bytes", "it is random: derive the value from the event"),
    ("random_float", "it is random: derive the value from the event"),
    ("random_int", "it is random: derive the value from the event"),
    ("uuid_v4", "it is random: use an id that the event carries"),
    ("uuid_v7", "it is random: use an id that the event carries"),
    ("log", "it would write personal data to the log: abort with a message instead"),
    ("parse_syslog", "it takes the year from the clock: use parse_regex and parse_timestamp"),
    ("parse_klog", "it takes the year from the clock: use parse_regex and parse_timestamp"),
    ("parse_linux_authorization", "it takes the year from the clock: use parse_regex and parse_timestamp"),
];

/// VRL's standard library with the refused functions in place of the real ones, so that calling one is explained.
pub(crate) static ALLOWED: LazyLock<Vec<Box<dyn Function>>> = LazyLock::new(|| {
    let refusal = |name: &str| REFUSED.iter().find(|(refused, _)| *refused == name).map(|(_, why)| *why);
    vrl::stdlib::all()
        .into_iter()
        .map(|function| match refusal(function.identifier()) {
            Some(why) => Box::new(Refused { function, why }) as Box<dyn Function>,
            None => function,
        })
        .collect()
});

/// Stands where a function of the same name would, takes the same arguments, and never compiles.
#[derive(Debug)]
struct Refused {
    function: Box<dyn Function>,
    why: &'static str,
}

impl Function for Refused {
    fn identifier(&self) -> &'static str {
        self.function.identifier()
    }

    fn usage(&self) -> &'static str {
        self.why
    }

    fn category(&self) -> &'static str {
        self.function.category()
    }

    fn return_kind(&self) -> u16 {
        self.function.return_kind()
    }

    fn parameters(&self) -> &'static [Parameter] {
        self.function.parameters()
    }

    fn examples(&self) -> &'static [Example] {
        &[]
    }

    fn compile(&self, _: &TypeState, context: &mut FunctionCompileContext, _: ArgumentList) -> Compiled {
        Err(Box::new(Refusal { name: self.identifier(), why: self.why, span: context.span() }))
    }
}

#[derive(Debug, thiserror::Error)]
#[error("function {name} is not available in rules")]
struct Refusal {
    name: &'static str,
    why: &'static str,
    span: Span,
}

impl DiagnosticMessage for Refusal {
    fn code(&self) -> usize {
        0
    }

    fn labels(&self) -> Vec<Label> {
        vec![Label::primary(self.why, self.span)]
    }

    fn notes(&self) -> Vec<Note> {
        vec![Note::Basic("a rule has to give the same answer whenever it is replayed".to_owned())]
    }
}
