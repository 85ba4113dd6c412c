//! What a world looks like: geometry alone, for whoever draws it.

/// A picture of a world in one state, in the world's own units: x to the right, y up.
///
/// It says where things are and never how they are painted. All pictures of a world have the same shapes in the same
/// order, of which only the places differ, so that many of them make a film.
#[derive(Clone, Debug, PartialEq)]
pub struct Sketch {
    /// What should be seen at least: its lower left corner and its upper right one, the same in all states. What moves
    /// may leave it where the world has no walls.
    pub view: [[f64; 2]; 2],
    /// From the back to the front.
    pub shapes: Vec<Shape>,
}

/// Something that is seen.
#[derive(Clone, Debug, PartialEq)]
pub struct Shape {
    /// What it is there for.
    pub role: Role,
    /// Where it is, and how large.
    pub form: Form,
}

/// What a shape is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It neither moves nor matters to the reward: a track, a hill, a pivot.
    Scenery,
    /// It is where the state says.
    Body,
    /// It is to be reached.
    Goal,
}

/// Where a shape is, and how large.
#[derive(Clone, Debug, PartialEq)]
pub enum Form {
    /// A thin line through points.
    Line(Vec<[f64; 2]>),
    /// What lies within the line through these corners and back to the first.
    Polygon(Vec<[f64; 2]>),
    /// What is no further than `radius` from the line between the ends.
    Rod {
        /// Of a link, the joint that it hangs on comes first.
        ends: [[f64; 2]; 2],
        /// Half its thickness.
        radius: f64,
    },
    /// What is no further than `radius` from the centre.
    Disc {
        /// Its middle.
        center: [f64; 2],
        /// Half its width.
        radius: f64,
    },
}

impl Form {
    /// A level rectangle about its centre.
    pub fn rectangle([x, y]: [f64; 2], half_width: f64, half_height: f64) -> Form {
        let (left, right, bottom, top) = (x - half_width, x + half_width, y - half_height, y + half_height);
        Form::Polygon(vec![[left, bottom], [right, bottom], [right, top], [left, top]])
    }

    /// The points that place it.
    pub fn points(&self) -> &[[f64; 2]] {
        match self {
            Form::Line(points) | Form::Polygon(points) => points,
            Form::Rod { ends, .. } => ends,
            Form::Disc { center, .. } => std::slice::from_ref(center),
        }
    }

    /// How far it reaches beyond its points.
    pub fn radius(&self) -> f64 {
        match self {
            Form::Line(_) | Form::Polygon(_) => 0.0,
            Form::Rod { radius, .. } | Form::Disc { radius, .. } => *radius,
        }
    }
}

impl Shape {
    pub(crate) fn scenery(form: Form) -> Shape {
        Shape { role: Role::Scenery, form }
    }

    pub(crate) fn body(form: Form) -> Shape {
        Shape { role: Role::Body, form }
    }

    pub(crate) fn goal(form: Form) -> Shape {
        Shape { role: Role::Goal, form }
    }
}

/// A cart on a level track of this half length, and a pole that leans by `theta` to the right of upright.
pub(crate) fn cart_and_pole(x: f64, theta: f64, track: f64, radius: f64) -> Vec<Shape> {
    let (sin, cos) = theta.sin_cos();
    // Both cart-poles have a pole of length 1, which is hinged in the middle of the cart.
    let pole = Form::Rod { ends: [[x, 0.0], [x + sin, cos]], radius };
    vec![
        Shape::scenery(Form::Line(vec![[-track, 0.0], [track, 0.0]])),
        Shape::body(Form::rectangle([x, 0.0], 0.2, 0.1)),
        Shape::body(pole),
    ]
}
