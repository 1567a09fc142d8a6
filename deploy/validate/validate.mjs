// Checks a CloudFormation template against the schemas of its resources. Exits
// with 1 if a finding is more than a remark.
//
//	node validate.mjs template.yaml
import { CelEngine, TemplateFile } from "@aws/cloudformation-validate";

const [file] = process.argv.slice(2);
const { diagnostics } = new CelEngine().validateStandard(new TemplateFile(file));
const faults = diagnostics.filter(({ severity }) => severity !== "INFO");
for (const fault of faults) {
	console.log(JSON.stringify(fault));
}
console.log(`${file}: ${faults.length} faults, ${diagnostics.length - faults.length} remarks`);
process.exitCode = faults.length > 0 ? 1 : 0;
