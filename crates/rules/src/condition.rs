//! A question with the answer yes or no.

use vrl::value::Value;

use crate::error::RuleError;
use crate::program::Program;
use crate::shape::Shape;

/// A compiled condition: reads its input, changes nothing, answers yes or no.
#[derive(Debug, Clone)]
pub struct Condition {
    program: Program,
}

impl Condition {
    /// Compiles a condition on any input. `name` is the file or rule, for error messages.
    ///
    /// # Errors
    /// [`RuleError::Compile`] when it does not compile, changes its input, or can never give true or false.
    pub fn compile(name: &str, source: &str) -> Result<Self, RuleError> {
        Self::compile_for(name, source, &Shape::any())
    }

    /// Compiles a condition on input of a known shape.
    ///
    /// # Errors
    /// As [`Condition::compile`].
    pub fn compile_for(name: &str, source: &str, input: &Shape) -> Result<Self, RuleError> {
        let program = Program::compile_read_only(name, source, input)?;
        let result = program.result_type();
        if !result.kind().contains_boolean() {
            let message = format!(
                "error: the condition gives {}, never true or false\n  = compare the value, for example `.stage == \"customer\"`",
                result.kind()
            );
            return Err(program.compile_error(message));
        }
        Ok(Self { program })
    }

    /// The name given at compile time.
    #[must_use]
    pub fn name(&self) -> &str {
        self.program.name()
    }

    /// The answer for `input`, which stays as it is (it is borrowed mutably because the language wants to).
    ///
    /// # Errors
    /// [`RuleError`] when an expression fails or the result is neither true nor false.
    pub fn holds(&self, input: &mut Value) -> Result<bool, RuleError> {
        match self.program.run_on(input)? {
            Value::Boolean(answer) => Ok(answer),
            other => {
                Err(RuleError::NotBoolean { name: self.program.name().to_owned(), found: other.kind_str().to_owned() })
            }
        }
    }
}
