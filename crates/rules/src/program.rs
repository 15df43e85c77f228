//! A program that makes a value out of a value.

use std::cell::Cell;
use std::ops::ControlFlow;

use vrl::compiler::runtime::{Runtime, Terminate};
use vrl::compiler::state::ExternalEnv;
use vrl::compiler::{CompileConfig, TargetValueRef, TimeZone, TypeDef};
use vrl::parser::ast::{Expr, QueryTarget, RootExpr};
use vrl::path::{OwnedSegment, PathPrefix};
use vrl::value::{KeyString, Kind, Secrets, Value};

use crate::diagnostics;
use crate::error::RuleError;
use crate::functions::ALLOWED;
use crate::shape::Shape;

/// The most expressions one run may evaluate: a mapping of a large order takes some ten thousand.
pub const STEP_BUDGET: u64 = 5_000_000;

/// A compiled program. Cheap to run, and shared by as many threads as like.
#[derive(Debug, Clone)]
pub struct Program {
    name: String,
    source: String,
    warnings: String,
    compiled: vrl::compiler::Program,
    /// All that it says, when it is a place of the input.
    place: Option<Vec<KeyString>>,
}

impl Program {
    /// Compiles a program for any input. `name` is the file, for error messages.
    ///
    /// # Errors
    /// [`RuleError::Compile`] with every diagnostic the compiler has.
    pub fn compile(name: &str, source: &str) -> Result<Self, RuleError> {
        Self::compile_for(name, source, &Shape::any())
    }

    /// Compiles a program for input of a known shape.
    ///
    /// # Errors
    /// [`RuleError::Compile`] with every diagnostic the compiler has.
    pub fn compile_for(name: &str, source: &str, input: &Shape) -> Result<Self, RuleError> {
        Self::compile_with(name, source, input, CompileConfig::default())
    }

    /// Compiles a program that may read its input but not change it.
    pub(crate) fn compile_read_only(name: &str, source: &str, input: &Shape) -> Result<Self, RuleError> {
        let mut config = CompileConfig::default();
        config.set_read_only();
        Self::compile_with(name, source, input, config)
    }

    fn compile_with(name: &str, source: &str, input: &Shape, config: CompileConfig) -> Result<Self, RuleError> {
        let external = ExternalEnv::new_with_kind(input.0.clone(), Kind::any_object());
        let result = vrl::compiler::compile_with_external(source, &ALLOWED, &external, config).map_err(|list| {
            RuleError::Compile { name: name.to_owned(), diagnostics: diagnostics::render(name, source, list) }
        })?;
        Ok(Self {
            name: name.to_owned(),
            source: source.to_owned(),
            warnings: diagnostics::render(name, source, result.warnings),
            compiled: result.program,
            place: place_of(source),
        })
    }

    /// The fields on the way to the one place of its input that it names, from the outside in, when that is all that it does.
    #[must_use]
    pub fn place(&self) -> Option<&[KeyString]> {
        self.place.as_deref()
    }

    /// The name given at compile time.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What the compiler warned of, with line and caret; empty when it did not.
    #[must_use]
    pub fn warnings(&self) -> &str {
        &self.warnings
    }

    /// The type of the result, as far as the compiler knows it.
    pub(crate) fn result_type(&self) -> TypeDef {
        self.compiled.final_type_info().result
    }

    /// A compile error that the compiler itself did not find.
    pub(crate) fn compile_error(&self, diagnostics: String) -> RuleError {
        RuleError::Compile { name: self.name.clone(), diagnostics }
    }

    /// Runs the program on `input` (its `.`) and gives its result.
    ///
    /// # Errors
    /// [`RuleError`] when an expression fails, the program aborts, or [`STEP_BUDGET`] is used up.
    pub fn run(&self, mut input: Value) -> Result<Value, RuleError> {
        self.run_on(&mut input)
    }

    /// As [`Program::run`], leaving the input with the changes the program made to it.
    ///
    /// # Errors
    /// As [`Program::run`].
    pub fn run_on(&self, input: &mut Value) -> Result<Value, RuleError> {
        let mut metadata = Value::Object(Default::default());
        let mut secrets = Secrets::default();
        let mut target = TargetValueRef { value: input, metadata: &mut metadata, secrets: &mut secrets };
        let steps = Cell::new(0_u64);
        let mut budget = || {
            steps.set(steps.get() + 1);
            if steps.get() > STEP_BUDGET { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let utc = TimeZone::Named(Default::default());
        let result = Runtime::default().resolve_with_control(&mut target, &self.compiled, &utc, &mut budget);
        result.map_err(|error| match error {
            Terminate::Interrupted => RuleError::OutOfSteps { name: self.name.clone(), steps: STEP_BUDGET },
            Terminate::Abort(error) | Terminate::Error(error) => {
                diagnostics::runtime_error(&self.name, &self.source, &error)
            }
        })
    }
}

/// The place of the input that a program which compiles names and does nothing else.
fn place_of(source: &str) -> Option<Vec<KeyString>> {
    let program = vrl::parser::parse(source).ok()?;
    let [root] = program.0.as_slice() else { return None };
    let RootExpr::Expr(expression) = root.inner() else { return None };
    let Expr::Query(query) = expression.inner() else { return None };
    if !matches!(query.target.inner(), QueryTarget::External(PathPrefix::Event)) {
        return None;
    }
    let field = |segment: &OwnedSegment| match segment {
        OwnedSegment::Field(name) => Some(name.clone()),
        OwnedSegment::Index(_) => None,
    };
    query.path.segments.iter().map(field).collect()
}
