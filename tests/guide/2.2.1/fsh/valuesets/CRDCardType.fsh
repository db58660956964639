ValueSet: CRDCardType
Id: cardType
Title: "CRD Response Types Value Set"
Description: "List of CDS Hook response types defined by the CRD spec"
* ^status = #active
* ^experimental = false
* include codes from system $cdshooks-card-type