//! Why a rule cannot be compiled or run.

/// Why a rule cannot be compiled or run. Runtime errors name a place in the rule and quote the rule, never the data.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// The source does not compile.
    #[error("{name} does not compile:\n{diagnostics}")]
    Compile {
        /// The file or rule.
        name: String,
        /// The compiler's diagnostics with line and caret.
        diagnostics: String,
    },
    /// An expression failed on this input.
    #[error("{name}:{line}:{column}: `{excerpt}` failed on this input: handle the case with `??` or a condition")]
    Failed {
        /// The file or rule.
        name: String,
        /// Line, from 1.
        line: usize,
        /// Column in characters, from 1.
        column: usize,
        /// The rule's text there.
        excerpt: String,
    },
    /// The rule ended itself with `abort`.
    #[error("{name}:{line}:{column}: {message}")]
    Aborted {
        /// The file or rule.
        name: String,
        /// Line, from 1.
        line: usize,
        /// Column in characters, from 1.
        column: usize,
        /// What the rule's author wrote.
        message: String,
    },
    /// The rule took more steps than it may.
    #[error("{name}: stopped after {steps} steps: loop over less")]
    OutOfSteps {
        /// The file or rule.
        name: String,
        /// The limit.
        steps: u64,
    },
    /// A condition gave something else than true or false.
    #[error("{name}: gave {found} where true or false is expected: compare it, for example with `== true`")]
    NotBoolean {
        /// The file or rule.
        name: String,
        /// The kind of value it gave.
        found: String,
    },
}
