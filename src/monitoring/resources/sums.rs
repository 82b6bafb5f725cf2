//! What a model version cost, in a bounded amount of memory.

use super::costs::Costs;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;

/// Users that are told apart. Of more, those that cost least are summed up as others.
pub const MAX_USERS: usize = 1000;
/// Beyond this they are reduced to that, so that who comes late is not one of the others for that.
const MAX_USERS_MEANWHILE: usize = 2 * MAX_USERS;

/// What a loaded model took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    /// Bytes that were loaded, times the seconds that they were.
    pub byte_seconds: f64,
    pub loads: u64,
    /// How often it was dropped from memory: for the limits of the cache, because it was idle, or with its model.
    pub evictions: u64,
}

impl Memory {
    pub fn merge(&mut self, other: &Self) {
        self.byte_seconds += other.byte_seconds;
        self.loads = self.loads.saturating_add(other.loads);
        self.evictions = self.evictions.saturating_add(other.evictions);
    }
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Resources {
    users: BTreeMap<String, Costs>,
    /// Of users that are not told apart any more.
    others: Costs,
    /// Of predictions that name no user.
    nobody: Costs,
    pub memory: Memory,
}

impl Resources {
    /// The sums of a user.
    pub fn of(&mut self, user: Option<&str>) -> &mut Costs {
        let Some(user) = user else { return &mut self.nobody };
        if self.users.len() >= MAX_USERS_MEANWHILE && !self.users.contains_key(user) {
            self.bound();
        }
        if !self.users.contains_key(user) {
            self.users.insert(user.to_owned(), Costs::default());
        }
        self.users.get_mut(user).unwrap_or(&mut self.others)
    }

    pub fn merge(&mut self, other: &Self) {
        for (user, costs) in &other.users {
            self.of(Some(user)).merge(costs);
        }
        self.others.merge(&other.others);
        self.nobody.merge(&other.nobody);
        self.memory.merge(&other.memory);
    }

    /// Sums up those that cost least beyond [`MAX_USERS`].
    pub fn bound(&mut self) {
        if self.users.len() <= MAX_USERS {
            return;
        }
        let mut by_cost: Vec<_> = std::mem::take(&mut self.users).into_iter().collect();
        // By time where no CPU time is known.
        by_cost.sort_by_key(|(_, costs)| std::cmp::Reverse((costs.cpu_nanos, costs.wall_nanos)));
        by_cost.drain(MAX_USERS..).for_each(|(_, costs)| self.others.merge(&costs));
        self.users = by_cost.into_iter().collect();
    }

    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    /// Whether it can be one that was written.
    pub(super) fn is_sound(&self) -> bool {
        self.users.len() <= MAX_USERS && self.memory.byte_seconds.is_finite() && self.memory.byte_seconds >= 0.0
    }

    /// The sums of all users.
    pub fn total(&self) -> Costs {
        let mut total = self.others;
        total.merge(&self.nobody);
        self.users.values().for_each(|costs| total.merge(costs));
        total
    }

    /// `{<costs>, users: [{userId, <costs>}], others, byteSeconds, loads, evictions}`: see [`Self::costs_json`].
    pub fn to_json(&self) -> Json {
        let mut answer = self.costs_json();
        answer["byteSeconds"] = json!(self.memory.byte_seconds);
        answer["loads"] = json!(self.memory.loads);
        answer["evictions"] = json!(self.memory.evictions);
        answer
    }

    /// The same without memory. The user who cost most comes first, null stands for predictions without one; others is null when all are told
    /// apart.
    pub fn costs_json(&self) -> Json {
        let mut answer = self.total().to_json();
        let named = self.users.iter().map(|(user, costs)| (Some(user), costs));
        let nobody = (!self.nobody.is_nothing()).then_some((None, &self.nobody));
        let mut users: Vec<_> = named.chain(nobody).collect();
        users.sort_by_key(|(_, costs)| std::cmp::Reverse((costs.cpu_nanos, costs.wall_nanos)));
        let of_user = |(user, costs): (Option<&String>, &Costs)| {
            let mut of_user = costs.to_json();
            of_user["userId"] = json!(user);
            of_user
        };
        answer["users"] = users.into_iter().map(of_user).collect();
        answer["others"] = json!((!self.others.is_nothing()).then(|| self.others.to_json()));
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn costs(cpu_nanos: u64) -> Costs {
        Costs { predictions: 1, cpu_nanos, wall_nanos: cpu_nanos, ..Costs::default() }
    }

    #[test]
    fn of_many_users_those_that_cost_most_are_told_apart_and_nothing_is_lost() {
        let mut resources = Resources::default();
        let count = 10 * MAX_USERS;
        for at in 0..count {
            resources.of(Some(&format!("user {at}"))).merge(&costs(1 + at as u64));
        }
        assert!(resources.users.len() <= MAX_USERS_MEANWHILE);
        resources.bound();
        assert_eq!(resources.users.len(), MAX_USERS);
        // Whoever came last cost most here.
        assert_eq!(resources.users[&format!("user {}", count - 1)].cpu_nanos, count as u64);
        let total = resources.total();
        assert_eq!((total.predictions, total.cpu_nanos), (count as u64, (1..=count as u64).sum()));
    }

    #[test]
    fn parts_add_up_in_any_order() {
        let mut parts: Vec<Resources> = (0..5u64)
            .map(|at| {
                let mut part = Resources::default();
                part.of(Some("a")).merge(&costs(at));
                part.of(None).merge(&costs(10 * at));
                part.memory = Memory { byte_seconds: at as f64, loads: at, evictions: 1 };
                part
            })
            .collect();
        let sum = |parts: &[Resources]| {
            let mut sum = Resources::default();
            parts.iter().for_each(|part| sum.merge(part));
            sum
        };
        let forwards = sum(&parts);
        parts.reverse();
        assert_eq!(sum(&parts), forwards);
        let json = forwards.to_json();
        assert_eq!((&json["predictions"], &json["loads"], &json["evictions"]), (&json!(10), &json!(10), &json!(5)));
        assert_eq!((&json["users"][0]["userId"], &json["users"][1]["userId"]), (&Json::Null, &json!("a")));
        assert_eq!(json["users"][1]["cpuSeconds"], json!(1e-8));
        assert_eq!(json["predictionsPerCpuSecond"], json!(10.0 / 1.1e-7));
        assert_eq!(json["others"], Json::Null);
    }

    #[test]
    fn cpu_time_that_is_not_known_is_null() {
        let known = |costs: Costs| costs.to_json()["cpuSeconds"].clone();
        assert_eq!(known(Costs { wall_nanos: 5, ..Costs::default() }), Json::Null);
        assert_eq!(known(Costs::default()), json!(0.0));
    }
}
