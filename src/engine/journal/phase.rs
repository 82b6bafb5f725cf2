//! What a thread is doing with a model.

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[repr(u32)]
pub enum Phase {
    Load = 1,
    WarmUp = 2,
    Run = 3,
}

impl Phase {
    pub fn from_code(code: u32) -> Option<Self> {
        [Self::Load, Self::WarmUp, Self::Run].into_iter().find(|phase| *phase as u32 == code)
    }

    pub fn participle(self) -> &'static str {
        match self {
            Self::Load => "loaded",
            Self::WarmUp => "warmed up",
            Self::Run => "run",
        }
    }
}
