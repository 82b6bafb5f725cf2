// Turns profiles off and on in the process of the component, without another start: POST /profiles with `{"columns": 0}` or more.
const { configureProfiles } = await import(process.env.BINDING);

export class profiles extends Resource {
	static loadAsInstance = false;

	async post(_target, given) {
		const { columns } = await given;
		configureProfiles(columns, true);
		return { columns };
	}
}
