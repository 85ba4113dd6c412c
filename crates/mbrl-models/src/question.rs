//! What every model refuses: questions that do not fit, members that do not exist, numbers that are not finite.

use mbrl_core::{DynamicsModel, Error, Mode, ModelInput, ModelOutput, MomentsMut, Result, Rows, Spread};

/// Refuses tables that do not fit the model or each other, a member that does not exist, noise of another shape where it
/// is used, and states and actions that are not finite.
pub(crate) fn check(model: &dyn DynamicsModel, input: &ModelInput<'_>, out: &ModelOutput<'_>) -> Result<()> {
    let rows = input.state.len();
    for (name, len) in [
        ("actions", input.act.len()),
        ("members", input.member.len()),
        ("rows for successors", out.next_state.len()),
        ("rewards", out.reward.len()),
        ("ends", out.end.len()),
    ] {
        if len != rows {
            return Err(Error::invalid(format_args!("{len} {name} for {rows} states: give as many")));
        }
    }
    check_width("states", input.state.dim(), model.state_dim())?;
    check_width("actions", input.act.dim(), model.act_dim())?;
    check_width("successors", out.next_state.dim(), model.state_dim())?;
    if input.mode == Mode::Sample {
        let (noise, wanted) = (input.noise, model.noise_spec());
        if noise.spec() != wanted || noise.normals.len() != rows || noise.uniforms.len() != rows {
            return Err(Error::invalid(format_args!(
                "noise of {:?} a row for {} and {} rows: expected {wanted:?} for {rows}",
                noise.spec(),
                noise.normals.len(),
                noise.uniforms.len()
            )));
        }
    }
    let members = model.members();
    if let Some(row) = input.member.iter().position(|member| usize::from(*member) >= members) {
        let member = input.member[row];
        return Err(Error::invalid(format_args!(
            "row {row} asks for member {member}: there are {members}, counted from 0"
        )));
    }
    check_finite("state", input.state, input.member)?;
    check_finite("action", input.act, input.member)
}

/// Refuses rewards that are not finite, by member and row.
pub(crate) fn check_rewards(reward: &[f32], member: &[u16]) -> Result<()> {
    match reward.iter().position(|reward| !reward.is_finite()) {
        None => Ok(()),
        Some(row) => {
            let (member, number) = (member[row], reward[row]);
            Err(Error::non_finite(format_args!("member {member}, row {row}: the reward is {number}")))
        }
    }
}

/// Refuses states and actions whose spread cannot be told: the widths, the counts, and numbers that are not finite.
pub(crate) fn check_moments(
    model: &dyn Spread,
    state: Rows<'_>,
    act: Rows<'_>,
    out: &MomentsMut<'_>,
) -> Result<()> {
    let moments = out.view();
    let expected = (state.len(), if state.is_empty() { moments.members() } else { model.members() });
    if (moments.rows(), moments.members()) != expected {
        return Err(Error::invalid(format_args!(
            "moments of {} rows and {} members for {} states and {} members: give as many",
            moments.rows(),
            moments.members(),
            state.len(),
            model.members()
        )));
    }
    check_width("states", state.dim(), model.state_dim())?;
    check_width("actions", act.dim(), model.act_dim())?;
    if state.len() != act.len() {
        let (states, actions) = (state.len(), act.len());
        return Err(Error::invalid(format_args!("{actions} actions for {states} states: give as many")));
    }
    if let Some(width) = (!state.is_empty()).then(|| moments.mean(0, 0).len()) {
        check_width("moments", width, model.moment_dim())?;
    }
    for (name, rows) in [("state", state), ("action", act)] {
        if let Some((row, column)) = rows.find_non_finite() {
            let number = rows.row(row)[column];
            return Err(Error::non_finite(format_args!("row {row}: {name}[{column}] is {number}")));
        }
    }
    Ok(())
}

fn check_width(name: &str, dim: usize, expected: usize) -> Result<()> {
    if dim == expected {
        return Ok(());
    }
    Err(Error::invalid(format_args!("{name} of {dim} numbers: the model expects {expected}")))
}

/// Refuses numbers that are not finite, by member and row.
pub(crate) fn check_finite(name: &str, rows: Rows<'_>, member: &[u16]) -> Result<()> {
    match rows.find_non_finite() {
        None => Ok(()),
        Some((row, column)) => {
            let (member, number) = (member[row], rows.row(row)[column]);
            Err(Error::non_finite(format_args!("member {member}, row {row}: {name}[{column}] is {number}")))
        }
    }
}
